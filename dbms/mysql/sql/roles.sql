/* whalefall */
-- Returns: one row per granted role: its user and host, the member's user and host, whether with admin option
-- Needs: SELECT on mysql.role_edges
-- Since: 8.0
SELECT e.FROM_USER, e.FROM_HOST, e.TO_USER, e.TO_HOST, e.WITH_ADMIN_OPTION = 'Y'
FROM mysql.role_edges e
