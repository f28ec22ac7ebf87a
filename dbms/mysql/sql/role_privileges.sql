/* whalefall */
-- Returns: those global privileges of the session's roles, and of what these were granted, by which databases and tables
--          show: words with commas between them, one row per role
-- Needs: SELECT on mysql.user
-- Since: 8.0.19
SELECT CONCAT_WS(',',
                 IF(u.Show_db_priv = 'Y', 'SHOW DATABASES', NULL), IF(u.Show_view_priv = 'Y', 'SHOW VIEW', NULL),
                 IF(u.Select_priv = 'Y', 'SELECT', NULL), IF(u.Insert_priv = 'Y', 'INSERT', NULL),
                 IF(u.Update_priv = 'Y', 'UPDATE', NULL), IF(u.Delete_priv = 'Y', 'DELETE', NULL),
                 IF(u.Create_priv = 'Y', 'CREATE', NULL), IF(u.Drop_priv = 'Y', 'DROP', NULL),
                 IF(u.References_priv = 'Y', 'REFERENCES', NULL), IF(u.Index_priv = 'Y', 'INDEX', NULL),
                 IF(u.Alter_priv = 'Y', 'ALTER', NULL), IF(u.Create_view_priv = 'Y', 'CREATE VIEW', NULL),
                 IF(u.Trigger_priv = 'Y', 'TRIGGER', NULL))
FROM mysql.user u
JOIN information_schema.ENABLED_ROLES r
  ON CONVERT(r.ROLE_NAME USING utf8mb4) COLLATE utf8mb4_bin = u.User
 AND CONVERT(r.ROLE_HOST USING utf8mb4) COLLATE utf8mb4_bin = u.Host
