/* whalefall */
-- Returns: every role: oid, name, name as the server quotes it, attributes, connection limit,
--          end of the password in seconds since 1970 and as text (infinity has no seconds)
-- Needs: nothing beyond a login; pg_roles hides the passwords
-- Since: 9.6
SELECT r.oid,
       r.rolname,
       quote_ident(r.rolname),
       r.rolsuper,
       r.rolcreaterole,
       r.rolcreatedb,
       r.rolreplication,
       r.rolbypassrls,
       r.rolcanlogin,
       r.rolinherit,
       r.rolconnlimit,
       CASE WHEN isfinite(r.rolvaliduntil) THEN extract(epoch FROM r.rolvaliduntil)::float8 END,
       CASE
           WHEN isfinite(r.rolvaliduntil) THEN to_char(r.rolvaliduntil AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
           ELSE r.rolvaliduntil::text
       END
FROM pg_roles r
ORDER BY r.oid
