/* whalefall */
-- Returns: one row per dynamic privilege of an account: user, host, privilege, whether grantable
-- Needs: SELECT on mysql.global_grants
-- Since: 8.0
SELECT g.USER, g.HOST, g.PRIV, g.WITH_GRANT_OPTION = 'Y'
FROM mysql.global_grants g
