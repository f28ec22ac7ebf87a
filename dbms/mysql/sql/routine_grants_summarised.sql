/* whalefall */
-- Returns: routine grants by user, host, database, kind and privileges, each with the number of routines
-- Needs: SELECT on mysql.procs_priv
-- Since: 5.7
SELECT r.User, r.Host, r.Db, r.Routine_type, r.Proc_priv, COUNT(*)
FROM mysql.procs_priv r
WHERE r.Proc_priv <> ''
GROUP BY r.User, r.Host, r.Db, r.Routine_type, r.Proc_priv
LIMIT %(row_limit)s
