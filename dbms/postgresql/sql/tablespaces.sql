/* whalefall */
-- Returns: every tablespace that somebody made: owner, name as the server quotes it
-- Needs: nothing beyond a login
-- Since: 9.6
SELECT t.spcowner, quote_ident(t.spcname)
FROM pg_tablespace t
WHERE t.oid >= 16384 -- the first oid that initdb does not use
ORDER BY t.spcname
