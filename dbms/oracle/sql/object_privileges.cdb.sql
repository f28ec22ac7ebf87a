/* whalefall */
-- Returns: one row per privilege on an object: container, whether granted in all containers, grantee, owner, object,
--          its type, privilege, whether with grant option; what Oracle grants its own accounts on its own objects is
--          left out, except packages that everybody may run; of every container that the login may see
-- Needs: SELECT on SYS.CDB_TAB_PRIVS, beside what users and roles need
-- Since: 12.1
SELECT p.con_id, p.common, p.grantee, p.owner, p.table_name, p.type, p.privilege, p.grantable
FROM cdb_tab_privs p
LEFT JOIN cdb_users o ON o.con_id = p.con_id AND o.username = p.owner AND o.oracle_maintained = 'Y'
LEFT JOIN cdb_users g ON g.con_id = p.con_id AND g.username = p.grantee AND g.oracle_maintained = 'Y'
LEFT JOIN cdb_roles r ON r.con_id = p.con_id AND r.role = p.grantee AND r.oracle_maintained = 'Y'
WHERE o.username IS NULL
   OR (g.username IS NULL AND r.role IS NULL AND p.grantee <> 'PUBLIC')
   OR (p.grantee = 'PUBLIC' AND p.privilege = 'EXECUTE' AND p.type = 'PACKAGE')
