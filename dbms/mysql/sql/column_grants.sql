/* whalefall */
-- Returns: one row per grant on a column: user, host, database, table, column, privileges of the SET type
-- Needs: SELECT on mysql.columns_priv
-- Since: 5.7
SELECT c.User, c.Host, c.Db, c.Table_name, c.Column_name, c.Column_priv
FROM mysql.columns_priv c
WHERE c.Column_priv <> ''
LIMIT %(row_limit)s
