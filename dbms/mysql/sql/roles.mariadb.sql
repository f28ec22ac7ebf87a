/* whalefall */
-- Returns: one row per granted role: that it is granted, its name and no host, the member's user and host (none of a
--          role), whether with admin option; default roles stand with their users
-- Needs: SELECT on mysql.roles_mapping
-- Since: 10.4
SELECT 'granted', m.Role, '', m.User, m.Host, m.Admin_option = 'Y'
FROM mysql.roles_mapping m
