/* whalefall */
-- Returns: one row per user, group and role of one database: id, name, sid, type,
--          whether a fixed role, default schema, how it logs in (0 not at all, 1 by a login, 2 by a password of its
--          own, 3 by Windows, 4 by Microsoft Entra)
-- Needs: access to the database, and VIEW DEFINITION there (VIEW ANY DEFINITION implies it)
-- Since: 2012
SELECT u.principal_id, u.name, u.sid, u.type, u.is_fixed_role, u.default_schema_name, u.authentication_type
FROM {database}.sys.database_principals AS u
