/* whalefall */
-- Returns: one row per container that the login may see: number, open mode, whether restricted
-- Needs: SELECT on SYS.V_$CONTAINERS
-- Since: 12.1
SELECT c.con_id, c.open_mode, c.restricted
FROM v$containers c
