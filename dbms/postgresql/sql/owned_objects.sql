/* whalefall */
-- Returns: what roles own in this database, without the system's own: owner, class, schema and object as the server
--          quotes them, number (1). With more than exact_limit objects beside schemas, '*' stands in place of the
--          objects of a schema, with their number
-- Needs: CONNECT on the database
-- Since: 9.6
WITH named AS (
    SELECT n.oid, n.nspname, n.nspowner
    FROM pg_namespace n
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND n.nspname !~ '^pg_(toast_)?temp_'
),
owned AS (
    SELECT c.relowner AS owner, CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'relation' END AS class,
           n.nspname AS schema, quote_ident(c.relname) AS object
    FROM pg_class c
    JOIN named n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relpersistence <> 't'
    UNION ALL
    SELECT p.proowner, 'function', n.nspname, quote_ident(p.proname) || '(' || oidvectortypes(p.proargtypes) || ')'
    FROM pg_proc p
    JOIN named n ON n.oid = p.pronamespace
    UNION ALL
    -- Neither the row types of relations nor what comes with another type by itself.
    SELECT t.typowner, 'type', n.nspname, quote_ident(t.typname)
    FROM pg_type t
    JOIN named n ON n.oid = t.typnamespace
    LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE t.typtype IN ('b', 'c', 'd', 'e', 'r')
      AND (c.oid IS NULL OR c.relkind = 'c')
      AND NOT EXISTS (SELECT 1 FROM pg_type e WHERE e.oid = t.typelem AND e.typarray = t.oid)
    UNION ALL
    SELECT l.lanowner, 'language', NULL, quote_ident(l.lanname) FROM pg_language l WHERE l.oid >= 16384
    UNION ALL
    SELECT w.fdwowner, 'fdw', NULL, quote_ident(w.fdwname) FROM pg_foreign_data_wrapper w
    UNION ALL
    SELECT s.srvowner, 'server', NULL, quote_ident(s.srvname) FROM pg_foreign_server s
    UNION ALL
    SELECT l.lomowner, 'largeobject', NULL, l.oid::text FROM pg_largeobject_metadata l
),
counted AS (
    SELECT o.owner, o.class, o.schema,
           CASE WHEN (SELECT count(*) FROM owned) > %(exact_limit)s THEN '*' ELSE o.object END AS object
    FROM owned o
)
SELECT owner, class, quote_ident(schema), object, count(*) FROM counted GROUP BY owner, class, schema, object
UNION ALL
SELECT nspowner, 'schema', NULL, quote_ident(nspname), 1 FROM named
