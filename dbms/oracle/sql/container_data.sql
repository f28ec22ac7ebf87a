/* whalefall */
-- Returns: a row for each account whose views cover all containers
-- Needs: SELECT on SYS.DBA_CONTAINER_DATA
-- Since: 12.1
SELECT d.username
FROM dba_container_data d
WHERE d.default_attr = 'Y' AND d.all_containers = 'Y'
