/* whalefall */
-- Returns: one row per granted role: container, whether granted in all containers, grantee, role, whether with admin
--          option, whether enabled from the login on; of every container that the login may see
-- Needs: SELECT on SYS.CDB_ROLE_PRIVS
-- Since: 12.1
SELECT p.con_id, p.common, p.grantee, p.granted_role, p.admin_option, p.default_role
FROM cdb_role_privs p
