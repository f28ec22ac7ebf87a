/* whalefall */
-- Returns: the largest tables of this database: schema, table, bytes of all, bytes without indexes, bytes of indexes,
--          estimated rows. Only the files of as many tables as candidates says are looked at: of those with the most
--          pages when VACUUM or ANALYZE last counted
-- Needs: CONNECT on the database
-- Since: 9.6
SELECT n.nspname, m.relname, m.total, m.data, m.indexes, m.rows
FROM (
    SELECT c.relnamespace, c.relname, pg_total_relation_size(c.oid) AS total, pg_table_size(c.oid) AS data,
           pg_indexes_size(c.oid) AS indexes, c.reltuples::bigint AS rows
    FROM (
        SELECT r.oid, r.relnamespace, r.relname, r.reltuples
        FROM pg_class r
        LEFT JOIN pg_class x ON x.oid = r.reltoastrelid
        WHERE r.relkind IN ('r', 'm')
        ORDER BY r.relpages::bigint + coalesce(x.relpages, 0) DESC, r.oid
        LIMIT %(candidates)s
    ) c
) m
JOIN pg_namespace n ON n.oid = m.relnamespace
WHERE m.total IS NOT NULL -- dropped in this moment
ORDER BY m.total DESC, n.nspname, m.relname
LIMIT %(most)s
