/* whalefall */
-- Returns: privileges on columns by container, whether granted in all containers, grantee, owner, privilege, grant
--          option, each with the number of columns; of every container that the login may see
-- Needs: SELECT on SYS.CDB_COL_PRIVS
-- Since: 12.1
SELECT p.con_id, p.common, p.grantee, p.owner, p.privilege, p.grantable, COUNT(*)
FROM cdb_col_privs p
GROUP BY p.con_id, p.common, p.grantee, p.owner, p.privilege, p.grantable
