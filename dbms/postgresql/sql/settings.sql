/* whalefall */
-- Returns: what ALTER ROLE ... SET and ALTER DATABASE ... SET left: role (0: all), database ('': all), name, value
-- Needs: nothing beyond a login
-- Since: 9.6
SELECT s.setrole,
       coalesce(d.datname::text, ''),
       split_part(c.setting, '=', 1),
       substr(c.setting, strpos(c.setting, '=') + 1)
FROM pg_db_role_setting s
LEFT JOIN pg_database d ON d.oid = s.setdatabase
CROSS JOIN LATERAL unnest(s.setconfig) AS c (setting)
WHERE s.setdatabase = 0 OR d.oid IS NOT NULL
ORDER BY s.setrole, s.setdatabase
