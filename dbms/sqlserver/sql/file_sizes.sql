/* whalefall */
-- Returns: one row per database and type of its files (0 rows, 1 log, 2 FILESTREAM, 4 full-text): the database's id,
--          its name where the reading login can see it, type, pages of 8 KB; of tempdb those at its start,
--          of a database snapshot its maximum, and none of FILESTREAM
-- Needs: VIEW ANY DEFINITION; without it there are no rows
-- Since: 2012
SELECT f.database_id, d.name, f.type, SUM(CAST(f.size AS bigint)) AS pages
FROM sys.master_files AS f
LEFT JOIN sys.databases AS d ON d.database_id = f.database_id
GROUP BY f.database_id, d.name, f.type
