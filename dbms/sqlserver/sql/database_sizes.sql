/* whalefall */
-- Returns: one row per type of the files of one database (0 rows, 1 log, 2 FILESTREAM, 4 full-text): type, pages
--          of 8 KB
-- Needs: access to the database
-- Since: 2012
SELECT f.type, SUM(CAST(f.size AS bigint)) AS pages
FROM {database}.sys.database_files AS f
GROUP BY f.type
