/* whalefall */
-- Returns: one row per message type, contract, service, remote service binding and route of one database: its class as
--          permissions have it (15 to 19), id, name
-- Needs: access to the database, and VIEW DEFINITION there (VIEW ANY DEFINITION implies it); not in Azure SQL Database
-- Since: 2012
SELECT 15 AS class, m.message_type_id AS id, m.name COLLATE DATABASE_DEFAULT AS name
FROM {database}.sys.service_message_types AS m
UNION ALL
SELECT 16, n.service_contract_id, n.name COLLATE DATABASE_DEFAULT
FROM {database}.sys.service_contracts AS n
UNION ALL
SELECT 17, v.service_id, v.name COLLATE DATABASE_DEFAULT
FROM {database}.sys.services AS v
UNION ALL
SELECT 18, b.remote_service_binding_id, b.name COLLATE DATABASE_DEFAULT
FROM {database}.sys.remote_service_bindings AS b
UNION ALL
SELECT 19, r.route_id, r.name COLLATE DATABASE_DEFAULT
FROM {database}.sys.routes AS r
