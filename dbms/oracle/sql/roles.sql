/* whalefall */
-- Returns: one row per role: container, name, how it is enabled, whether common, whether made by Oracle
-- Needs: SELECT on SYS.DBA_ROLES
-- Since: 12.1
SELECT 1, r.role, r.authentication_type, r.common, r.oracle_maintained
FROM dba_roles r
