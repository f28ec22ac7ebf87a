/* whalefall */
-- Returns: one row per granted role: container, whether granted in all containers, grantee, role, whether with admin
--          option, whether enabled from the login on
-- Needs: SELECT on SYS.DBA_ROLE_PRIVS
-- Since: 12.1
SELECT 1, p.common, p.grantee, p.granted_role, p.admin_option, p.default_role
FROM dba_role_privs p
