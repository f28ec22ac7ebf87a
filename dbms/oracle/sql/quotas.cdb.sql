/* whalefall */
-- Returns: one row per limit on a tablespace: container, always NO, user, tablespace, bytes (-1: no limit); of every
--          container that the login may see
-- Needs: SELECT on SYS.CDB_TS_QUOTAS
-- Since: 12.1
SELECT q.con_id, 'NO', q.username, q.tablespace_name, q.max_bytes
FROM cdb_ts_quotas q
WHERE q.dropped = 'NO' AND q.max_bytes <> 0
