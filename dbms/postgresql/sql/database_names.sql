/* whalefall */
-- Returns: every database: oid, name, whether it is a template
-- Needs: nothing beyond a login
-- Since: 9.6
SELECT d.oid, d.datname, d.datistemplate
FROM pg_database d
ORDER BY d.datname
