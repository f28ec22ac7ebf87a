/* whalefall */
-- Returns: one row per role: container, name, how it is enabled, whether common, whether made by Oracle; of every
--          container that the login may see
-- Needs: SELECT on SYS.CDB_ROLES
-- Since: 12.1
SELECT r.con_id, r.role, r.authentication_type, r.common, r.oracle_maintained
FROM cdb_roles r
