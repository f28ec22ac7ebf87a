/* whalefall */
-- Returns: one row per account of the password file: container, always NO, name, whether it may
--          connect as SYSDBA, SYSOPER, SYSASM, SYSBACKUP, SYSDG, SYSKM
-- Needs: SELECT on SYS.V_$PWFILE_USERS
-- Since: 12.1
SELECT 1, 'NO', w.username, w.sysdba, w.sysoper, w.sysasm, w.sysbackup, w.sysdg, w.syskm
FROM v$pwfile_users w
