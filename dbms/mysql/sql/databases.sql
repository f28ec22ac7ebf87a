/* whalefall */
-- Returns: one row per database that the reading account can see, with that account as user@host
-- Needs: SHOW DATABASES for a complete list
-- Since: 5.7
SELECT s.SCHEMA_NAME, CURRENT_USER()
FROM information_schema.SCHEMATA s
