/* whalefall */
-- Returns: one row per database whose files are open: its id, the bytes that they take on disk, which of a database
--          snapshot, whose files are sparse, are few
-- Needs: VIEW SERVER STATE (of it VIEW SERVER PERFORMANCE STATE since 2022)
-- Since: 2012
SELECT f.database_id, SUM(f.size_on_disk_bytes) AS bytes
FROM sys.dm_io_virtual_file_stats(NULL, NULL) AS f
GROUP BY f.database_id
