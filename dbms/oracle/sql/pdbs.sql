/* whalefall */
-- Returns: one row per pluggable database, whether open or not: its container's number, name
-- Needs: SELECT on SYS.DBA_PDBS
-- Since: 12.1
SELECT p.pdb_id, p.pdb_name
FROM dba_pdbs p
