/* whalefall */
-- Returns: the bytes of InnoDB's files by the directory of a database; of a tablespace that belongs to none, by its
--          name, with no directory
-- Needs: PROCESS
-- Since: 5.7
SELECT CONVERT(IF(LOCATE('/', s.NAME) > 0, SUBSTRING_INDEX(s.NAME, '/', 1), '') USING utf8mb4) COLLATE utf8mb4_bin,
       CONVERT(IF(LOCATE('/', s.NAME) > 0, '', s.NAME) USING utf8mb4) COLLATE utf8mb4_bin,
       CAST(SUM(COALESCE(s.FILE_SIZE, 0)) AS SIGNED)
FROM information_schema.INNODB_SYS_TABLESPACES s
GROUP BY 1, 2
