/* whalefall */
-- Returns: every database: oid, name, name as the server quotes it, owner, whether it accepts connections,
--          its connection limit (-2: an interrupted DROP DATABASE left it invalid), whether we may connect
-- Needs: nothing beyond a login
-- Since: 9.6
SELECT d.oid,
       d.datname,
       quote_ident(d.datname),
       d.datdba,
       d.datallowconn,
       d.datconnlimit,
       has_database_privilege(d.oid, 'CONNECT')
FROM pg_database d
ORDER BY d.datname
