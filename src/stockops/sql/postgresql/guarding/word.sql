-- What stands in a file of the data directory, as the server itself reads it; NULL where there is no such file.
-- Needs: a superuser, or pg_read_server_files.
SELECT pg_read_file(%(file)s, 0, 200, true) AS word
