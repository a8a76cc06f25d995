-- The columns of every table and view of the database, in order. There are no domains that `to_plain` could take off.
SELECT table_name AS table_name, column_name AS column_name, '' AS to_plain
FROM information_schema.columns
WHERE table_schema = database()
ORDER BY table_name, ordinal_position
