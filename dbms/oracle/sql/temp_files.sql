/* whalefall */
-- Returns: one row per tablespace that has temp files: container, name, bytes of its files, bytes that they may grow
--          to, how many of them do not tell their size because they are offline
-- Needs: SELECT on SYS.DBA_TEMP_FILES
-- Since: 12.1
SELECT 1, f.tablespace_name, SUM(f.bytes),
       SUM(CASE WHEN f.autoextensible = 'YES' AND f.maxbytes > f.bytes THEN f.maxbytes ELSE f.bytes END),
       COUNT(*) - COUNT(f.bytes)
FROM dba_temp_files f
GROUP BY f.tablespace_name
