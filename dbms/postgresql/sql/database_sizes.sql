/* whalefall */
-- Returns: every database: oid, name, whether it is a template, whether we may know its size, the bytes of its files
--          (NULL where we may not, and where it has none)
-- Needs: pg_read_all_stats, or CONNECT on each database
-- Since: 10
SELECT d.oid,
       d.datname,
       d.datistemplate,
       d.may_read,
       CASE WHEN d.may_read THEN pg_database_size(d.oid) END
FROM (
    SELECT oid, datname, datistemplate,
           pg_has_role('pg_read_all_stats', 'USAGE') OR has_database_privilege(oid, 'CONNECT') AS may_read
    FROM pg_database
    OFFSET 0
) d
ORDER BY d.datname
