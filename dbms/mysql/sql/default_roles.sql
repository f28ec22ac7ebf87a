/* whalefall */
-- Returns: one row per role that is active from the login on: the account's user and host, the role's user and host
-- Needs: SELECT on mysql.default_roles
-- Since: 8.0
SELECT d.USER, d.HOST, d.DEFAULT_ROLE_USER, d.DEFAULT_ROLE_HOST
FROM mysql.default_roles d
