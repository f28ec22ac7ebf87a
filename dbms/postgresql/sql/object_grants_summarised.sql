/* whalefall */
-- Returns: what object_grants returns, with '*' in place of the objects of a schema and their number; objects of the
--          system and what has no schema stand by themselves
-- Needs: CONNECT on the database
-- Since: 9.6
WITH acls AS (
    SELECT 'schema' AS class, NULL::name AS schema, quote_ident(n.nspname) AS object, n.nspowner AS owner,
           n.nspacl AS acl,
           coalesce(i.initprivs, CASE WHEN n.nspname = 'information_schema'
                                      THEN ARRAY[makeaclitem(0, n.nspowner, 'USAGE', false)] END) AS known,
           NULL::"char" AS hardwired
    FROM pg_namespace n
    LEFT JOIN pg_init_privs i
        ON i.classoid = 'pg_namespace'::regclass AND i.objoid = n.oid AND i.objsubid = 0
        AND n.nspname IN ('pg_catalog', 'information_schema')
    WHERE n.nspacl IS NOT NULL AND n.nspname !~ '^pg_(toast_)?temp_'
    UNION ALL
    SELECT CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'relation' END, n.nspname, quote_ident(c.relname), c.relowner,
           c.relacl,
           coalesce(i.initprivs, CASE WHEN n.nspname = 'information_schema' AND c.relname !~ '^_'
                                      THEN ARRAY[makeaclitem(0, c.relowner, 'SELECT', false)] END),
           NULL
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_init_privs i
        ON i.classoid = 'pg_class'::regclass AND i.objoid = c.oid AND i.objsubid = 0
        AND n.nspname IN ('pg_catalog', 'information_schema')
    WHERE c.relacl IS NOT NULL AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relpersistence <> 't'
    UNION ALL
    SELECT 'column', n.nspname, quote_ident(c.relname) || '.' || quote_ident(a.attname), c.relowner,
           a.attacl, i.initprivs, NULL
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_init_privs i
        ON i.classoid = 'pg_class'::regclass AND i.objoid = c.oid AND i.objsubid = a.attnum
        AND n.nspname IN ('pg_catalog', 'information_schema')
    WHERE a.attacl IS NOT NULL AND NOT a.attisdropped AND c.relpersistence <> 't'
    UNION ALL
    SELECT 'function', n.nspname, quote_ident(p.proname) || '(' || oidvectortypes(p.proargtypes) || ')', p.proowner,
           p.proacl, i.initprivs, 'f'
    FROM pg_proc p
    JOIN pg_namespace n ON n.oid = p.pronamespace
    LEFT JOIN pg_init_privs i
        ON i.classoid = 'pg_proc'::regclass AND i.objoid = p.oid AND i.objsubid = 0
        AND n.nspname IN ('pg_catalog', 'information_schema')
    WHERE p.proacl IS NOT NULL AND n.nspname !~ '^pg_(toast_)?temp_'
    UNION ALL
    SELECT 'type', n.nspname, quote_ident(t.typname), t.typowner,
           t.typacl, i.initprivs, 'T'
    FROM pg_type t
    JOIN pg_namespace n ON n.oid = t.typnamespace
    LEFT JOIN pg_init_privs i
        ON i.classoid = 'pg_type'::regclass AND i.objoid = t.oid AND i.objsubid = 0
        AND n.nspname IN ('pg_catalog', 'information_schema')
    WHERE t.typacl IS NOT NULL AND n.nspname !~ '^pg_(toast_)?temp_'
    UNION ALL
    SELECT 'language', NULL, quote_ident(l.lanname), l.lanowner, l.lanacl, NULL, 'l'
    FROM pg_language l
    WHERE l.lanacl IS NOT NULL
    UNION ALL
    SELECT 'fdw', NULL, quote_ident(w.fdwname), w.fdwowner, w.fdwacl, NULL, NULL
    FROM pg_foreign_data_wrapper w
    WHERE w.fdwacl IS NOT NULL
    UNION ALL
    SELECT 'server', NULL, quote_ident(s.srvname), s.srvowner, s.srvacl, NULL, NULL
    FROM pg_foreign_server s
    WHERE s.srvacl IS NOT NULL
    UNION ALL
    SELECT 'largeobject', NULL, l.oid::text, l.lomowner, l.lomacl, NULL, NULL
    FROM pg_largeobject_metadata l
    WHERE l.lomacl IS NOT NULL
    UNION ALL
    SELECT 'default', n.nspname,
           CASE d.defaclobjtype
               WHEN 'r' THEN 'relation' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'function' WHEN 'T' THEN 'type'
               WHEN 'n' THEN 'schema' WHEN 'L' THEN 'largeobject' ELSE d.defaclobjtype::text
           END,
           d.defaclrole, d.defaclacl, NULL,
           -- Only an entry for all schemas takes the place of the hard-wired default.
           CASE WHEN d.defaclnamespace = 0 AND d.defaclobjtype IN ('f', 'T') THEN d.defaclobjtype END
    FROM pg_default_acl d
    LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
),
-- Most objects of a schema share one ACL: each different ACL is expanded once.
groups AS (
    SELECT a.class, a.schema, a.acl, a.owner, a.known, a.hardwired, count(*) AS number,
           CASE
               WHEN a.class IN ('relation', 'sequence', 'column', 'function', 'type')
                    AND a.schema NOT IN ('pg_catalog', 'information_schema') THEN '*'
               WHEN a.class = 'largeobject' THEN '*'
               ELSE a.object
           END AS object
    FROM acls a
    GROUP BY 1, 2, 3, 4, 5, 6, 8
)
SELECT a.class, quote_ident(a.schema), a.object, a.defaults_of, e.revoked, e.grantee, e.privilege_type, e.is_grantable,
       sum(a.number)::bigint
FROM (SELECT *, CASE class WHEN 'default' THEN owner END AS defaults_of FROM groups) a,
LATERAL (
    SELECT false AS revoked, x.grantee, x.privilege_type, x.is_grantable
    FROM aclexplode(a.acl) x
    WHERE x.grantee <> a.owner
      AND NOT EXISTS (
          SELECT 1
          FROM aclexplode(a.known) k
          WHERE k.grantee = x.grantee AND k.privilege_type = x.privilege_type AND k.is_grantable >= x.is_grantable
      )
    UNION ALL
    SELECT true, w.grantee, w.privilege_type, false
    FROM aclexplode(coalesce(a.known, acldefault(a.hardwired, a.owner))) w
    WHERE w.grantee = 0
      AND NOT EXISTS (
          SELECT 1 FROM aclexplode(a.acl) x WHERE x.grantee = 0 AND x.privilege_type = w.privilege_type
      )
) e
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
LIMIT %(row_limit)s
