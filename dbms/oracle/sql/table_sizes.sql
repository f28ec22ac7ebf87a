/* whalefall */
-- Returns: one row per table with all of its partitions, the largest first: owner, name, bytes of rows and large
--          objects, bytes of indexes, number of rows as last counted for the optimizer (NULL: never)
-- Needs: SELECT on SYS.DBA_SEGMENTS, SYS.DBA_TABLES, SYS.DBA_INDEXES, SYS.DBA_LOBS
-- Since: 12.1
SELECT p.owner, p.table_name, p.data_bytes, p.index_bytes, t.num_rows
FROM (SELECT COALESCE(l.owner, i.table_owner, s.owner) AS owner,
             COALESCE(l.table_name, i.table_name, CASE WHEN s.segment_type IN
                 ('TABLE', 'TABLE PARTITION', 'TABLE SUBPARTITION', 'NESTED TABLE')
                 THEN s.segment_name END) AS table_name,
             SUM(CASE WHEN i.index_type <> 'IOT - TOP' THEN 0 ELSE s.bytes END) AS data_bytes,
             SUM(CASE WHEN i.index_type <> 'IOT - TOP' THEN s.bytes ELSE 0 END) AS index_bytes
      FROM dba_segments s
      LEFT JOIN dba_lobs l ON l.owner = s.owner AND l.segment_name = s.segment_name
           AND s.segment_type IN ('LOBSEGMENT', 'LOB PARTITION', 'LOB SUBPARTITION')
      LEFT JOIN dba_indexes i ON i.owner = s.owner AND i.index_name = s.segment_name
           AND i.index_type <> 'CLUSTER'
           AND s.segment_type IN ('INDEX', 'INDEX PARTITION', 'INDEX SUBPARTITION', 'LOBINDEX')
      GROUP BY COALESCE(l.owner, i.table_owner, s.owner),
               COALESCE(l.table_name, i.table_name, CASE WHEN s.segment_type IN
                   ('TABLE', 'TABLE PARTITION', 'TABLE SUBPARTITION', 'NESTED TABLE')
                   THEN s.segment_name END)) p
LEFT JOIN dba_tables t ON t.owner = p.owner AND t.table_name = p.table_name
WHERE p.table_name IS NOT NULL
ORDER BY p.data_bytes + p.index_bytes DESC, p.owner, p.table_name
