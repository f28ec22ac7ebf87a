/* whalefall */
-- Returns: privileges on objects by container, whether granted in all containers, grantee, owner, type of object,
--          privilege, grant option, each with the number of objects; what Oracle grants its own accounts on its own
--          objects is left out, except packages that everybody may run
-- Needs: SELECT on SYS.DBA_TAB_PRIVS, beside what users and roles need
-- Since: 12.1
SELECT 1, p.common, p.grantee, p.owner, p.type, p.privilege, p.grantable, COUNT(*)
FROM dba_tab_privs p
LEFT JOIN dba_users o ON o.username = p.owner AND o.oracle_maintained = 'Y'
LEFT JOIN dba_users g ON g.username = p.grantee AND g.oracle_maintained = 'Y'
LEFT JOIN dba_roles r ON r.role = p.grantee AND r.oracle_maintained = 'Y'
WHERE o.username IS NULL
   OR (g.username IS NULL AND r.role IS NULL AND p.grantee <> 'PUBLIC')
   OR (p.grantee = 'PUBLIC' AND p.privilege = 'EXECUTE' AND p.type = 'PACKAGE')
GROUP BY p.common, p.grantee, p.owner, p.type, p.privilege, p.grantable
