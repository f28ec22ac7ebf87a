/* whalefall */
-- Returns: one row per user: container, name, number, status, when it was locked, when its password expires, profile,
--          how it authenticates, its external name, kinds of its password verifiers, tablespaces, whether it may
--          connect through a proxy only, whether common, whether made by Oracle, when it last logged in (UTC); of
--          every container that the login may see
-- Needs: SELECT on SYS.CDB_USERS
-- Since: 12.1
SELECT u.con_id, u.username, u.user_id, u.account_status, u.lock_date, u.expiry_date, u.profile,
       u.authentication_type, u.external_name, u.password_versions, u.default_tablespace, u.temporary_tablespace,
       u.proxy_only_connect, u.common, u.oracle_maintained, SYS_EXTRACT_UTC(u.last_login)
FROM cdb_users u
