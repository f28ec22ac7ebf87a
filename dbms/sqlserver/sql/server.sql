/* whalefall */
-- Returns: one row: version, edition, its number (5: Azure SQL Database), whether the reading login sees every
--          definition, every definition that concerns security (NULL before 2022) and every database, its name, and
--          the database that it is in
-- Needs: nothing beyond a login
-- Since: 2012
SELECT CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128)) AS version,
       CAST(SERVERPROPERTY('Edition') AS nvarchar(128)) AS edition,
       CAST(SERVERPROPERTY('EngineEdition') AS int) AS engine_edition,
       HAS_PERMS_BY_NAME(NULL, NULL, 'VIEW ANY DEFINITION') AS sees_definitions,
       HAS_PERMS_BY_NAME(NULL, NULL, 'VIEW ANY SECURITY DEFINITION') AS sees_security_definitions,
       HAS_PERMS_BY_NAME(NULL, NULL, 'VIEW ANY DATABASE') AS sees_databases,
       CAST(SUSER_SNAME() AS nvarchar(128)) AS reader,
       CAST(DB_NAME() AS nvarchar(128)) AS database_name
