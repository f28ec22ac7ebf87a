/* whalefall */
-- Returns: one row per (member, role), both as oid: admin, inherit, set; grants by several grantors are united
-- Needs: nothing beyond a login
-- Since: 16
SELECT m.member, m.roleid, bool_or(m.admin_option), bool_or(m.inherit_option), bool_or(m.set_option)
FROM pg_auth_members m
GROUP BY m.member, m.roleid
ORDER BY m.member, m.roleid
