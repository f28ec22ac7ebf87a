/* whalefall */
-- Returns: the file of each InnoDB table or partition of one database, which has two spellings: its name without the
--          directory, bytes
-- Needs: PROCESS
-- Since: 8.0
SELECT CONVERT(SUBSTRING(s.NAME, LOCATE('/', s.NAME) + 1) USING utf8mb4), CAST(COALESCE(s.FILE_SIZE, 0) AS SIGNED)
FROM information_schema.INNODB_TABLESPACES s
WHERE LOCATE('/', s.NAME) > 0
  AND CONVERT(SUBSTRING_INDEX(s.NAME, '/', 1) USING utf8mb4) COLLATE utf8mb4_bin IN (%(database)s, %(directory)s)
