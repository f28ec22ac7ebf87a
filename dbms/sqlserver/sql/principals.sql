/* whalefall */
-- Returns: one row per login, group and server role: id, name, sid, type, whether disabled, whether a fixed role,
--          default database, and of a login with a password: whether its policy and its expiration are enforced,
--          whether locked out, expired, to be changed, and in how many days it expires
-- Needs: VIEW ANY DEFINITION, or VIEW ANY SECURITY DEFINITION since 2022; without it rows are missing
-- Since: 2012
SELECT p.principal_id, p.name, p.sid, p.type, p.is_disabled, p.is_fixed_role, p.default_database_name,
       l.is_policy_checked, l.is_expiration_checked,
       CAST(LOGINPROPERTY(p.name, 'IsLocked') AS int) AS is_locked_out,
       CAST(LOGINPROPERTY(p.name, 'IsExpired') AS int) AS is_expired,
       CAST(LOGINPROPERTY(p.name, 'IsMustChange') AS int) AS must_change,
       CAST(LOGINPROPERTY(p.name, 'DaysUntilExpiration') AS int) AS days_until_expiration
FROM sys.server_principals AS p
LEFT JOIN sys.sql_logins AS l ON l.principal_id = p.principal_id
