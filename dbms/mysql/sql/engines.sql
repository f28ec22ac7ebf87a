/* whalefall */
-- Returns: how many tables of each engine a database has, without opening any: database, engine, number; tables whose
--          data is on another server by name. Of the databases in a list like /6D79/, in hexadecimal; all if it is empty
-- Needs: any privilege for the tables, as SHOW VIEW ON *.* gives for all; others are hidden
-- Since: 5.7
SELECT CONVERT(t.TABLE_SCHEMA USING utf8mb4) COLLATE utf8mb4_bin,
       t.ENGINE,
       CONVERT(CASE WHEN t.ENGINE IN ('FEDERATED', 'CONNECT', 'SPIDER', 'S3') THEN t.TABLE_NAME ELSE '' END
               USING utf8mb4) COLLATE utf8mb4_bin,
       COUNT(*)
FROM information_schema.TABLES t
WHERE t.TABLE_TYPE NOT IN ('VIEW', 'SYSTEM VIEW')
  AND (%(databases)s = '' OR LOCATE(CONCAT('/', HEX(t.TABLE_SCHEMA), '/'), %(databases)s) > 0)
GROUP BY 1, 2, 3
