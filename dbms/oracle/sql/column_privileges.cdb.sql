/* whalefall */
-- Returns: one row per privilege on a column: container, whether granted in all containers, grantee, owner, object,
--          column, privilege, whether with grant option; of every container that the login may see
-- Needs: SELECT on SYS.CDB_COL_PRIVS
-- Since: 12.1
SELECT p.con_id, p.common, p.grantee, p.owner, p.table_name, p.column_name, p.privilege, p.grantable
FROM cdb_col_privs p
