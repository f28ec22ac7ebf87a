/* whalefall */
-- Returns: one row per table and indexed view of one database, the largest first: schema, name, pages of 8 KB that are
--          reserved, those of its rows with their large values, all that are in use, number of rows; what XML, spatial
--          and full-text indexes keep in internal tables counts as the table's
-- Needs: access to the database, VIEW DATABASE STATE and VIEW DEFINITION there (VIEW SERVER STATE and VIEW ANY
--        DEFINITION imply them)
-- Since: 2012
SELECT s.name AS schema_name, o.name AS table_name, SUM(p.reserved_page_count) AS pages,
       SUM(CASE WHEN p.object_id = o.object_id AND p.index_id <= 1
                THEN p.in_row_data_page_count + p.lob_used_page_count + p.row_overflow_used_page_count
                ELSE 0 END) AS data_pages,
       SUM(p.used_page_count) AS used_pages,
       SUM(CASE WHEN p.object_id = o.object_id AND p.index_id <= 1 THEN p.row_count ELSE 0 END) AS row_count
FROM {database}.sys.dm_db_partition_stats AS p
LEFT JOIN {database}.sys.internal_tables AS i ON i.object_id = p.object_id
JOIN {database}.sys.objects AS o ON o.object_id = COALESCE(i.parent_id, p.object_id)
JOIN {database}.sys.schemas AS s ON s.schema_id = o.schema_id
WHERE o.type IN ('U', 'V')
GROUP BY o.object_id, s.name, o.name
ORDER BY pages DESC, s.name, o.name
