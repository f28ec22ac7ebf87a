/* whalefall */
-- Returns: one row per profile: container, name, for how many days too many failed logins lock an account; of every
--          container that the login may see
-- Needs: SELECT on SYS.CDB_PROFILES
-- Since: 12.1
SELECT p.con_id, p.profile, p."LIMIT"
FROM cdb_profiles p
WHERE p.resource_name = 'PASSWORD_LOCK_TIME'
