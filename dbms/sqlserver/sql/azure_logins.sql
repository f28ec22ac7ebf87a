/* whalefall */
-- Returns: one row per login with a password of an Azure SQL server: id, name, sid, whether disabled
-- Needs: a connection to master, and membership in ##MS_DefinitionReader##; without it rows are missing
-- Since: 2012
SELECT l.principal_id, l.name, l.sid, l.is_disabled
FROM sys.sql_logins AS l
