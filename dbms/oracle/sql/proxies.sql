/* whalefall */
-- Returns: one row per account that another may connect as: container, always YES, the other, the account, the role
--          that it is limited to, what limits its roles
-- Needs: SELECT on SYS.DBA_PROXIES
-- Since: 12.1
SELECT 1, 'YES', p.proxy, p.client, p.role, p.authorization_constraint
FROM dba_proxies p
