/* whalefall */
-- Returns: table grants by user, host, database and privileges, each with the number of tables
-- Needs: SELECT on mysql.tables_priv
-- Since: 5.7
SELECT t.User, t.Host, t.Db, t.Table_priv, COUNT(*)
FROM mysql.tables_priv t
WHERE t.Table_priv <> ''
GROUP BY t.User, t.Host, t.Db, t.Table_priv
LIMIT %(row_limit)s
