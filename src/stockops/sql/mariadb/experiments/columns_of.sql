-- The columns of one table, and the schema it is in; no row where there is none of the name.
-- Without a schema it is that of the session. Needs: some right on the table.
SELECT
    c.table_schema AS schema_name,
    c.table_name AS table_name,
    c.column_name AS column_name
FROM information_schema.columns AS c
WHERE c.table_schema = coalesce(%(schema_name)s, database()) AND c.table_name = %(table_name)s
ORDER BY c.ordinal_position
