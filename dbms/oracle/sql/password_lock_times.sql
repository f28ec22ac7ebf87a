/* whalefall */
-- Returns: one row per profile: container, name, for how many days too many failed logins lock an account
-- Needs: SELECT on SYS.DBA_PROFILES
-- Since: 12.1
SELECT 1, p.profile, p."LIMIT"
FROM dba_profiles p
WHERE p.resource_name = 'PASSWORD_LOCK_TIME'
