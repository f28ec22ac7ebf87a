/* whalefall */
-- Returns: one row per system privilege: container, whether granted in all containers, grantee, privilege, whether
--          with admin option; of every container that the login may see
-- Needs: SELECT on SYS.CDB_SYS_PRIVS
-- Since: 12.1
SELECT p.con_id, p.common, p.grantee, p.privilege, p.admin_option
FROM cdb_sys_privs p
