/* whalefall */
-- Returns: one row per database that the reading account can see: its name, its directory as InnoDB's files spell it,
--          that account as user@host
-- Needs: SHOW DATABASES for a complete list
-- Since: 5.7
SELECT s.SCHEMA_NAME, CONVERT(CAST(CONVERT(s.SCHEMA_NAME USING filename) AS BINARY) USING utf8mb4), CURRENT_USER()
FROM information_schema.SCHEMATA s
