/* whalefall */
-- Returns: one row per granted role: its name and no host, the member's user and host (none of a role), whether with
--          admin option
-- Needs: SELECT on mysql.roles_mapping
-- Since: 10.4
SELECT m.Role, '', m.User, m.Host, m.Admin_option = 'Y'
FROM mysql.roles_mapping m
