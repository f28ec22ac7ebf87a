/* whalefall */
-- Returns: one row per group of online redo logs: bytes of each of its members, how many there are
-- Needs: SELECT on SYS.V_$LOG
-- Since: 12.1
SELECT l.bytes, l.members
FROM v$log l
