/* whalefall */
-- Returns: name and value of the variables that say what the server is and how it reads its grant tables
-- Needs: nothing beyond a login
-- Since: 5.7
SHOW GLOBAL VARIABLES WHERE Variable_name IN
    ('version', 'version_comment', 'lower_case_table_names', 'partial_revokes', 'mandatory_roles',
     'default_password_lifetime')
