/* whalefall */
-- Returns: one row per (member, role), both as oid: admin, inherit (the member's attribute), set (always)
-- Needs: nothing beyond a login
-- Since: 9.6
SELECT m.member, m.roleid, bool_or(m.admin_option), bool_or(r.rolinherit), true
FROM pg_auth_members m
JOIN pg_roles r ON r.oid = m.member
GROUP BY m.member, m.roleid
ORDER BY m.member, m.roleid
