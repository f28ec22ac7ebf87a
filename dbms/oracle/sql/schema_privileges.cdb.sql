/* whalefall */
-- Returns: one row per privilege on a schema: container, whether granted in all containers, grantee, schema,
--          privilege, whether with admin option; of every container that the login may see
-- Needs: SELECT on SYS.CDB_SCHEMA_PRIVS
-- Since: 23
SELECT p.con_id, p.common, p.grantee, p.schema, p.privilege, p.admin_option
FROM cdb_schema_privs p
