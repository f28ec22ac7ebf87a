/* whalefall */
-- Returns: privileges on columns by container, whether granted in all containers, grantee, owner, privilege, grant
--          option, each with the number of columns
-- Needs: SELECT on SYS.DBA_COL_PRIVS
-- Since: 12.1
SELECT 1, p.common, p.grantee, p.owner, p.privilege, p.grantable, COUNT(*)
FROM dba_col_privs p
GROUP BY p.common, p.grantee, p.owner, p.privilege, p.grantable
