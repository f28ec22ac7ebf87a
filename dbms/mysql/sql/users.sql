/* whalefall */
-- Returns: one row per account: user, host, global privileges as words, plugin, whether locked, whether the password
--          is empty, whether it was expired by hand, when it was set (Unix time), its lifetime in days (NULL: the
--          server's default), TLS requirements, resource limits, partial revokes, login attempts before a
--          temporary lock, whether a second password is valid
-- Needs: SELECT on mysql.user
-- Since: 8.0.14
SELECT u.User, u.Host,
       CONCAT_WS(',',
                 IF(u.Select_priv = 'Y', 'SELECT', NULL), IF(u.Insert_priv = 'Y', 'INSERT', NULL),
                 IF(u.Update_priv = 'Y', 'UPDATE', NULL), IF(u.Delete_priv = 'Y', 'DELETE', NULL),
                 IF(u.Create_priv = 'Y', 'CREATE', NULL), IF(u.Drop_priv = 'Y', 'DROP', NULL),
                 IF(u.Reload_priv = 'Y', 'RELOAD', NULL), IF(u.Shutdown_priv = 'Y', 'SHUTDOWN', NULL),
                 IF(u.Process_priv = 'Y', 'PROCESS', NULL), IF(u.File_priv = 'Y', 'FILE', NULL),
                 IF(u.Grant_priv = 'Y', 'GRANT OPTION', NULL),
                 IF(u.References_priv = 'Y', 'REFERENCES', NULL), IF(u.Index_priv = 'Y', 'INDEX', NULL),
                 IF(u.Alter_priv = 'Y', 'ALTER', NULL),
                 IF(u.Show_db_priv = 'Y', 'SHOW DATABASES', NULL),
                 IF(u.Super_priv = 'Y', 'SUPER', NULL),
                 IF(u.Create_tmp_table_priv = 'Y', 'CREATE TEMPORARY TABLES', NULL),
                 IF(u.Lock_tables_priv = 'Y', 'LOCK TABLES', NULL),
                 IF(u.Execute_priv = 'Y', 'EXECUTE', NULL),
                 IF(u.Repl_slave_priv = 'Y', 'REPLICATION SLAVE', NULL),
                 IF(u.Repl_client_priv = 'Y', 'REPLICATION CLIENT', NULL),
                 IF(u.Create_view_priv = 'Y', 'CREATE VIEW', NULL),
                 IF(u.Show_view_priv = 'Y', 'SHOW VIEW', NULL),
                 IF(u.Create_routine_priv = 'Y', 'CREATE ROUTINE', NULL),
                 IF(u.Alter_routine_priv = 'Y', 'ALTER ROUTINE', NULL),
                 IF(u.Create_user_priv = 'Y', 'CREATE USER', NULL),
                 IF(u.Event_priv = 'Y', 'EVENT', NULL), IF(u.Trigger_priv = 'Y', 'TRIGGER', NULL),
                 IF(u.Create_tablespace_priv = 'Y', 'CREATE TABLESPACE', NULL),
                 IF(u.Create_role_priv = 'Y', 'CREATE ROLE', NULL),
                 IF(u.Drop_role_priv = 'Y', 'DROP ROLE', NULL)),
       u.plugin, u.account_locked = 'Y', COALESCE(u.authentication_string, '') = '', u.password_expired = 'Y',
       UNIX_TIMESTAMP(u.password_last_changed), u.password_lifetime,
       u.ssl_type, CONVERT(u.ssl_cipher USING utf8mb4), CONVERT(u.x509_issuer USING utf8mb4),
       CONVERT(u.x509_subject USING utf8mb4),
       u.max_questions, u.max_updates, u.max_connections, u.max_user_connections,
       JSON_EXTRACT(u.User_attributes, '$.Restrictions'),
       JSON_EXTRACT(u.User_attributes, '$.Password_locking'),
       JSON_CONTAINS_PATH(u.User_attributes, 'one', '$.additional_password')
FROM mysql.user u
