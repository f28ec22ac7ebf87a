/* whalefall */
-- Returns: one row per first file of a database: the database's id, and its name where the reading login can see it;
--          an offline database that is not listed still has its files
-- Needs: VIEW ANY DEFINITION; without it there are no rows
-- Since: 2012
SELECT f.database_id, d.name
FROM sys.master_files AS f
LEFT JOIN sys.databases AS d ON d.database_id = f.database_id
WHERE f.file_id = 1
