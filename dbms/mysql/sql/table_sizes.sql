/* whalefall */
-- Returns: bytes of data and of indexes by database, as the engines say; unused space within InnoDB's files is not
--          counted. Of the databases in a list like /6D79/, in hexadecimal, all if it is empty; without one engine, and
--          without tables in a list like /6D79.74/, which are not even opened, because that would ask another server
-- Needs: any privilege for the tables, as SHOW VIEW ON *.* gives for all; others are hidden
-- Since: 5.7
SELECT CONVERT(t.TABLE_SCHEMA USING utf8mb4) COLLATE utf8mb4_bin,
       CAST(SUM(COALESCE(t.DATA_LENGTH, 0)) AS SIGNED),
       CAST(SUM(COALESCE(t.INDEX_LENGTH, 0)) AS SIGNED)
FROM information_schema.TABLES t
WHERE (%(databases)s = '' OR LOCATE(CONCAT('/', HEX(t.TABLE_SCHEMA), '/'), %(databases)s) > 0)
  AND LOCATE(CONCAT('/', HEX(t.TABLE_SCHEMA), '.', HEX(t.TABLE_NAME), '/'), %(elsewhere)s) = 0
  AND t.TABLE_TYPE NOT IN ('VIEW', 'SYSTEM VIEW')
  -- Neither in memory nor a mere union of other tables.
  AND t.ENGINE NOT IN ('MEMORY', 'PERFORMANCE_SCHEMA', 'MRG_MYISAM', %(engine)s)
GROUP BY 1
