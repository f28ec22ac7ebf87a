/* whalefall */
-- Returns: one row per tablespace: container, name, what it is for, bytes of a block; of every container that the
--          login may see
-- Needs: SELECT on SYS.CDB_TABLESPACES
-- Since: 12.1
SELECT t.con_id, t.tablespace_name, t.contents, t.block_size
FROM cdb_tablespaces t
