/* whalefall */
-- Returns: column grants by user, host, database and privileges, each with the number of columns
-- Needs: SELECT on mysql.columns_priv
-- Since: 5.7
SELECT c.User, c.Host, c.Db, c.Column_priv, COUNT(*)
FROM mysql.columns_priv c
WHERE c.Column_priv <> ''
GROUP BY c.User, c.Host, c.Db, c.Column_priv
LIMIT %(row_limit)s
