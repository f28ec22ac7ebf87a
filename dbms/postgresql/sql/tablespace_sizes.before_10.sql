/* whalefall */
-- Returns: every tablespace: name, whether we may know its size, the bytes of its files (NULL where we may not)
-- Needs: CREATE on each tablespace; every role knows that of its database
-- Since: 9.6
SELECT t.spcname,
       t.may_read,
       CASE WHEN t.may_read THEN pg_tablespace_size(t.oid) END
FROM (
    SELECT s.oid, s.spcname,
           has_tablespace_privilege(s.oid, 'CREATE')
           OR s.oid = d.dattablespace AS may_read
    FROM pg_tablespace s
    LEFT JOIN pg_database d ON d.datname = current_database()
    OFFSET 0
) t
ORDER BY t.spcname
