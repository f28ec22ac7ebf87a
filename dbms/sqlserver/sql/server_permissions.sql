/* whalefall */
-- Returns: one row per permission on the server, a login, an endpoint or an availability group: grantee's id, class,
--          its word, permission, state (G, W with grant option, D denied), id and name of what it is on
-- Needs: VIEW ANY DEFINITION, or VIEW ANY SECURITY DEFINITION since 2022; without it rows are missing
-- Since: 2012
SELECT p.grantee_principal_id, p.class, p.class_desc, p.permission_name, p.state, p.major_id,
       COALESCE(t.name, e.name, g.name COLLATE DATABASE_DEFAULT) AS securable
FROM sys.server_permissions AS p
LEFT JOIN sys.server_principals AS t ON p.class = 101 AND t.principal_id = p.major_id
LEFT JOIN sys.endpoints AS e ON p.class = 105 AND e.endpoint_id = p.major_id
LEFT JOIN sys.availability_replicas AS r ON p.class = 108 AND r.replica_metadata_id = p.major_id
LEFT JOIN sys.availability_groups AS g ON g.group_id = r.group_id
