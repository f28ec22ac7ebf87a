/* whalefall */
-- Returns: one row per member of a role of one database: ids of role and member
-- Needs: access to the database, and VIEW DEFINITION there (VIEW ANY DEFINITION implies it)
-- Since: 2012
SELECT m.role_principal_id, m.member_principal_id
FROM {database}.sys.database_role_members AS m
