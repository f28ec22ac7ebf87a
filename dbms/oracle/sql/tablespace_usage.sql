/* whalefall */
-- Returns: one row per tablespace: container, name, blocks in use
-- Needs: SELECT on SYS.DBA_TABLESPACE_USAGE_METRICS
-- Since: 12.1
SELECT 1, m.tablespace_name, m.used_space
FROM dba_tablespace_usage_metrics m
