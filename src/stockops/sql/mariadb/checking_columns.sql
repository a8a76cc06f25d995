-- The columns of every table and view of the database, in order.
SELECT table_name AS table_name, column_name AS column_name
FROM information_schema.columns
WHERE table_schema = database()
ORDER BY table_name, ordinal_position
