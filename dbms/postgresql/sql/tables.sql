/* whalefall */
-- Returns: the largest tables of this database, partitions summed up under their root: schema, table, bytes of all,
--          bytes without indexes, bytes of indexes, estimated rows (NULL: never counted). Only the files of as many
--          tables as candidates says are looked at: of those with the most pages when VACUUM or ANALYZE last counted
-- Needs: CONNECT on the database
-- Since: 10
WITH RECURSIVE tree AS (
    SELECT c.oid AS root, c.oid AS part
    FROM pg_class c
    WHERE c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition
    UNION ALL
    SELECT t.root, i.inhrelid
    FROM tree t
    JOIN pg_inherits i ON i.inhparent = t.part
    JOIN pg_class c ON c.oid = i.inhrelid AND c.relispartition
),
candidates AS (
    SELECT t.root
    FROM tree t
    JOIN pg_class c ON c.oid = t.part
    LEFT JOIN pg_class x ON x.oid = c.reltoastrelid
    GROUP BY t.root
    ORDER BY sum(greatest(c.relpages, 0)::bigint + coalesce(x.relpages, 0)) DESC, t.root
    LIMIT %(candidates)s
),
measured AS (
    SELECT t.root,
           sum(pg_total_relation_size(t.part))::bigint AS total,
           sum(pg_table_size(t.part))::bigint AS data,
           sum(pg_indexes_size(t.part))::bigint AS indexes,
           sum(CASE WHEN c.reltuples >= 0 THEN c.reltuples END)::bigint AS rows
    FROM candidates d
    JOIN tree t ON t.root = d.root
    JOIN pg_class c ON c.oid = t.part
    GROUP BY t.root
)
SELECT n.nspname, c.relname, m.total, m.data, m.indexes, m.rows
FROM measured m
JOIN pg_class c ON c.oid = m.root
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE m.total IS NOT NULL -- dropped in this moment
ORDER BY m.total DESC, n.nspname, c.relname
LIMIT %(most)s
