/* whalefall */
-- Returns: one row per granted role and one per default role: which of the two, the role's user and host, the member's
--          user and host, whether with admin option
-- Needs: SELECT on mysql.role_edges and mysql.default_roles
-- Since: 8.0
SELECT 'granted', e.FROM_USER, e.FROM_HOST, e.TO_USER, e.TO_HOST, e.WITH_ADMIN_OPTION = 'Y'
FROM mysql.role_edges e
UNION ALL
SELECT 'default', d.DEFAULT_ROLE_USER, d.DEFAULT_ROLE_HOST, d.USER, d.HOST, NULL
FROM mysql.default_roles d
