/* whalefall */
-- Returns: one row per limit on a tablespace: container, always NO, user, tablespace, bytes (-1: no limit)
-- Needs: SELECT on SYS.DBA_TS_QUOTAS
-- Since: 12.1
SELECT 1, 'NO', q.username, q.tablespace_name, q.max_bytes
FROM dba_ts_quotas q
WHERE q.dropped = 'NO' AND q.max_bytes <> 0
