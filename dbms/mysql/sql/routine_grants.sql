/* whalefall */
-- Returns: one row per grant on a routine: user, host, database, kind, routine, privileges of the SET type
-- Needs: SELECT on mysql.procs_priv
-- Since: 5.7
SELECT r.User, r.Host, r.Db, r.Routine_type, r.Routine_name, r.Proc_priv
FROM mysql.procs_priv r
WHERE r.Proc_priv <> ''
LIMIT %(row_limit)s
