/* whalefall */
-- Returns: one row per member of a server role: ids of role and member
-- Needs: VIEW ANY DEFINITION, or VIEW ANY SECURITY DEFINITION since 2022; without it rows are missing
-- Since: 2012
SELECT m.role_principal_id, m.member_principal_id
FROM sys.server_role_members AS m
