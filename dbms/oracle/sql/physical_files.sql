/* whalefall */
-- Returns: what the control file knows of the files of each container, whether open or not: its number (0: a database
--          without containers), data or temp, bytes, how many files cannot be accessed
-- Needs: SELECT on SYS.V_$DATAFILE, SYS.V_$TEMPFILE
-- Since: 12.1
SELECT f.con_id, f.kind, SUM(f.bytes), SUM(CASE WHEN f.bytes = 0 THEN 1 ELSE 0 END)
FROM (SELECT d.con_id, 'data' AS kind, d.bytes
      FROM v$datafile d
      UNION ALL
      SELECT t.con_id, 'temp', t.bytes
      FROM v$tempfile t) f
GROUP BY f.con_id, f.kind
