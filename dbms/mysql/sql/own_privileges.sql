/* whalefall */
-- Returns: the global privileges of the reading account, one word per row; not those that it has by a role
-- Needs: nothing beyond a login
-- Since: 5.7
SELECT p.PRIVILEGE_TYPE
FROM information_schema.USER_PRIVILEGES p
WHERE CONVERT(p.GRANTEE USING utf8mb4) COLLATE utf8mb4_bin = CONCAT(
    '''', LEFT(CURRENT_USER(), CHAR_LENGTH(CURRENT_USER()) - CHAR_LENGTH(SUBSTRING_INDEX(CURRENT_USER(), '@', -1)) - 1),
    '''@''', SUBSTRING_INDEX(CURRENT_USER(), '@', -1), ''''
)
