/* whalefall */
-- Returns: one row per tablespace: container, name, blocks in use; of every container that the login may see
-- Needs: SELECT on SYS.CDB_TABLESPACE_USAGE_METRICS
-- Since: 12.1
SELECT m.con_id, m.tablespace_name, m.used_space
FROM cdb_tablespace_usage_metrics m
