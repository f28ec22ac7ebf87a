/* whalefall */
-- Returns: one row per grant on databases: user, host, pattern of database names as stored, privileges as words
-- Needs: SELECT on mysql.db
-- Since: 11.3.1
SELECT d.User, d.Host, d.Db,
       CONCAT_WS(',',
                 IF(d.Select_priv = 'Y', 'SELECT', NULL), IF(d.Insert_priv = 'Y', 'INSERT', NULL),
                 IF(d.Update_priv = 'Y', 'UPDATE', NULL), IF(d.Delete_priv = 'Y', 'DELETE', NULL),
                 IF(d.Create_priv = 'Y', 'CREATE', NULL), IF(d.Drop_priv = 'Y', 'DROP', NULL),
                 IF(d.Grant_priv = 'Y', 'GRANT OPTION', NULL),
                 IF(d.References_priv = 'Y', 'REFERENCES', NULL), IF(d.Index_priv = 'Y', 'INDEX', NULL),
                 IF(d.Alter_priv = 'Y', 'ALTER', NULL),
                 IF(d.Create_tmp_table_priv = 'Y', 'CREATE TEMPORARY TABLES', NULL),
                 IF(d.Lock_tables_priv = 'Y', 'LOCK TABLES', NULL),
                 IF(d.Execute_priv = 'Y', 'EXECUTE', NULL),
                 IF(d.Create_view_priv = 'Y', 'CREATE VIEW', NULL),
                 IF(d.Show_view_priv = 'Y', 'SHOW VIEW', NULL),
                 IF(d.Create_routine_priv = 'Y', 'CREATE ROUTINE', NULL),
                 IF(d.Alter_routine_priv = 'Y', 'ALTER ROUTINE', NULL),
                 IF(d.Event_priv = 'Y', 'EVENT', NULL), IF(d.Trigger_priv = 'Y', 'TRIGGER', NULL),
                 IF(d.Delete_history_priv = 'Y', 'DELETE HISTORY', NULL),
                 IF(d.Show_create_routine_priv = 'Y', 'SHOW CREATE ROUTINE', NULL))
FROM mysql.db d
LIMIT %(row_limit)s
