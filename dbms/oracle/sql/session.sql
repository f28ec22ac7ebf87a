/* whalefall */
-- Returns: who reads, the number of its container (0 without containers, 1 for the root of a CDB) and the container's
--          name, the server's clock
-- Needs: nothing beyond a login
-- Since: 12.1
SELECT SYS_CONTEXT('USERENV', 'SESSION_USER'), SYS_CONTEXT('USERENV', 'CON_ID'), SYS_CONTEXT('USERENV', 'CON_NAME'),
       SYSDATE
FROM dual
