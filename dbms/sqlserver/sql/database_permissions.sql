/* whalefall */
-- Returns: one row per permission in one database: grantee's id, class, its word, permission, state (G, W with grant
--          option, D denied, R revoked from a column), id of what it is on, its schema, its name where it is visible
--          and not of Service Broker, column id (0: none) and name; what public holds on the system's own objects is
--          left out
-- Needs: access to the database, and VIEW DEFINITION there (VIEW ANY DEFINITION implies it)
-- Since: 2012
SELECT p.grantee_principal_id, p.class, p.class_desc, p.permission_name, p.state, p.major_id, s.name AS schema_name,
       COALESCE(o.name, t.name, u.name, a.name, k.name, e.name, y.name, x.name, f.name) AS securable,
       p.minor_id, c.name AS column_name
FROM {database}.sys.database_permissions AS p
LEFT JOIN {database}.sys.all_objects AS o ON p.class = 1 AND o.object_id = p.major_id
LEFT JOIN {database}.sys.types AS t ON p.class = 6 AND t.user_type_id = p.major_id
LEFT JOIN {database}.sys.xml_schema_collections AS x ON p.class = 10 AND x.xml_collection_id = p.major_id
LEFT JOIN {database}.sys.schemas AS s
       ON s.schema_id = CASE p.class WHEN 1 THEN o.schema_id WHEN 3 THEN p.major_id WHEN 6 THEN t.schema_id
                                        WHEN 10 THEN x.schema_id END
LEFT JOIN {database}.sys.all_columns AS c ON p.class = 1 AND c.object_id = p.major_id AND c.column_id = p.minor_id
LEFT JOIN {database}.sys.database_principals AS u ON p.class = 4 AND u.principal_id = p.major_id
LEFT JOIN {database}.sys.assemblies AS a ON p.class = 5 AND a.assembly_id = p.major_id
LEFT JOIN {database}.sys.symmetric_keys AS k ON p.class = 24 AND k.symmetric_key_id = p.major_id
LEFT JOIN {database}.sys.certificates AS e ON p.class = 25 AND e.certificate_id = p.major_id
LEFT JOIN {database}.sys.asymmetric_keys AS y ON p.class = 26 AND y.asymmetric_key_id = p.major_id
LEFT JOIN {database}.sys.fulltext_catalogs AS f ON p.class = 23 AND f.fulltext_catalog_id = p.major_id
WHERE p.major_id >= 0 OR p.grantee_principal_id <> 0
