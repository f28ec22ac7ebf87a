/* whalefall */
-- Returns: one row per schema that stores anything: container, name, bytes of its segments; of every container that
--          the login may see
-- Needs: SELECT on SYS.CDB_SEGMENTS
-- Since: 12.1
SELECT s.con_id, s.owner, SUM(s.bytes)
FROM cdb_segments s
GROUP BY s.con_id, s.owner
