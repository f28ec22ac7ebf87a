/* whalefall */
-- Returns: one row per account that another may connect as: container, always YES, the other, the account, the role
--          that it is limited to, what limits its roles; of every container that the login may see
-- Needs: SELECT on SYS.CDB_PROXIES
-- Since: 12.1
SELECT p.con_id, 'YES', p.proxy, p.client, p.role, p.authorization_constraint
FROM cdb_proxies p
