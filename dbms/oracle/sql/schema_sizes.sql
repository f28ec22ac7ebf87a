/* whalefall */
-- Returns: one row per schema that stores anything: container, name, bytes of its segments
-- Needs: SELECT on SYS.DBA_SEGMENTS
-- Since: 12.1
SELECT 1, s.owner, SUM(s.bytes)
FROM dba_segments s
GROUP BY s.owner
