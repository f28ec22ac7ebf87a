/* whalefall */
-- Returns: one row per grant on a table: user, host, database, table, privileges of the SET type
-- Needs: SELECT on mysql.tables_priv
-- Since: 5.7
SELECT t.User, t.Host, t.Db, t.Table_name, t.Table_priv
FROM mysql.tables_priv t
WHERE t.Table_priv <> ''
LIMIT %(row_limit)s
