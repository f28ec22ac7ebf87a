/* whalefall */
-- Returns: one row per privilege on a column: container, whether granted in all containers, grantee, owner, object,
--          column, privilege, whether with grant option
-- Needs: SELECT on SYS.DBA_COL_PRIVS
-- Since: 12.1
SELECT 1, p.common, p.grantee, p.owner, p.table_name, p.column_name, p.privilege, p.grantable
FROM dba_col_privs p
