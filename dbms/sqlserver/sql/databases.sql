/* whalefall */
-- Returns: one row per database that the reading login can see: id, name, state (0: online), its word, of a database
--          snapshot the id of its database, whether it distributes replicated data, its owner's sid, whether it is
--          TRUSTWORTHY, whether the login gets in, whether it sees all definitions there, or those that concern
--          security (NULL before 2022)
-- Needs: VIEW ANY DATABASE, which everybody has unless it was taken from public; to get in, CONNECT ANY DATABASE
--        (2014) or a user in each database
-- Since: 2012
SELECT d.database_id, d.name, d.state, d.state_desc, d.source_database_id, d.is_distributor, d.owner_sid,
       d.is_trustworthy_on, HAS_DBACCESS(d.name) AS has_access,
       HAS_PERMS_BY_NAME(QUOTENAME(d.name), 'DATABASE', 'VIEW DEFINITION') AS sees_definitions,
       HAS_PERMS_BY_NAME(QUOTENAME(d.name), 'DATABASE', 'VIEW SECURITY DEFINITION') AS sees_security_definitions
FROM sys.databases AS d
