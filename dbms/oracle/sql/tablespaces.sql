/* whalefall */
-- Returns: one row per tablespace: container, name, what it is for, bytes of a block
-- Needs: SELECT on SYS.DBA_TABLESPACES
-- Since: 12.1
SELECT 1, t.tablespace_name, t.contents, t.block_size
FROM dba_tablespaces t
