/* whalefall */
-- Returns: every tablespace: name, whether we may know its size, the bytes of its files (NULL where we may not)
-- Needs: pg_read_all_stats; CREATE on a tablespace is enough for it, and every role knows that of its database
-- Since: 10
SELECT t.spcname,
       t.may_read,
       CASE WHEN t.may_read THEN pg_tablespace_size(t.oid) END
FROM (
    SELECT s.oid, s.spcname,
           pg_has_role('pg_read_all_stats', 'USAGE') OR has_tablespace_privilege(s.oid, 'CREATE')
           OR s.oid = d.dattablespace AS may_read
    FROM pg_tablespace s
    LEFT JOIN pg_database d ON d.datname = current_database()
    OFFSET 0
) t
ORDER BY t.spcname
