/* whalefall */
-- Returns: the tables of the databases in a list like /6D79/, in hexadecimal, the largest first: name, name as InnoDB's
--          files spell it, engine, bytes of data and of indexes, estimated number of rows. Without those in a list
--          like /6D79.74/, which are not even opened, because that would ask another server
-- Needs: any privilege for the tables, as SHOW VIEW ON *.* gives for all; others are hidden
-- Since: 5.7
SELECT t.TABLE_NAME, CONVERT(CAST(CONVERT(t.TABLE_NAME USING filename) AS BINARY) USING utf8mb4), t.ENGINE,
       CAST(COALESCE(t.DATA_LENGTH, 0) AS SIGNED), CAST(COALESCE(t.INDEX_LENGTH, 0) AS SIGNED), t.TABLE_ROWS
FROM information_schema.TABLES t
WHERE LOCATE(CONCAT('/', HEX(t.TABLE_SCHEMA), '/'), %(databases)s) > 0
  AND LOCATE(CONCAT('/', HEX(t.TABLE_SCHEMA), '.', HEX(t.TABLE_NAME), '/'), %(elsewhere)s) = 0
  AND t.TABLE_TYPE NOT IN ('VIEW', 'SYSTEM VIEW')
ORDER BY COALESCE(t.DATA_LENGTH, 0) + COALESCE(t.INDEX_LENGTH, 0) DESC
LIMIT %(row_limit)s
