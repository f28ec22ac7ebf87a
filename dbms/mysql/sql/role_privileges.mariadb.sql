/* whalefall */
-- Returns: the global privileges of the session's roles, of what these were granted, and of PUBLIC, one row per role: as
--          bits, and the version that wrote them
-- Needs: SELECT on mysql.global_priv
-- Since: 10.4
SELECT JSON_VALUE(g.Priv, '$.access'), JSON_VALUE(g.Priv, '$.version_id')
FROM mysql.global_priv g
WHERE g.Host = '' AND JSON_VALUE(g.Priv, '$.is_role') = 1
  AND (g.User = 'PUBLIC' OR g.User IN (
    SELECT CONVERT(r.ROLE_NAME USING utf8mb4) COLLATE utf8mb4_bin FROM information_schema.ENABLED_ROLES r
  ))
