/* whalefall */
-- Returns: one row per right to act as another account: user, host, the other's user and host, whether grantable
-- Needs: SELECT on mysql.proxies_priv
-- Since: 5.7
SELECT p.User, p.Host, p.Proxied_user, p.Proxied_host, p.With_grant
FROM mysql.proxies_priv p
