/* whalefall */
-- Returns: one row per system privilege: container, whether granted in all containers, grantee, privilege, whether
--          with admin option
-- Needs: SELECT on SYS.DBA_SYS_PRIVS
-- Since: 12.1
SELECT 1, p.common, p.grantee, p.privilege, p.admin_option
FROM dba_sys_privs p
