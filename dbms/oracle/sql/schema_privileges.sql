/* whalefall */
-- Returns: one row per privilege on a schema: container, whether granted in all containers, grantee, schema,
--          privilege, whether with admin option
-- Needs: SELECT on SYS.DBA_SCHEMA_PRIVS
-- Since: 23
SELECT 1, p.common, p.grantee, p.schema, p.privilege, p.admin_option
FROM dba_schema_privs p
