/* whalefall */
-- Returns: the bytes of one database's files, NULL where it has none; an error where we may not know, or it is gone
-- Needs: pg_read_all_stats (since 10), or CONNECT on the database
-- Since: 9.6
SELECT pg_database_size(%(database)s::oid)
