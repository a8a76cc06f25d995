-- How many rows of each table were changed since the server began to count, which it does with userstat = ON. InnoDB has no
-- update that leaves indexes of changed columns alone, so there is no share of them.
SELECT
    s.table_schema AS schema_name,
    s.table_name AS table_name,
    CAST(sum(s.rows_changed) AS SIGNED) AS rows_changed,
    NULL AS rows_updated,
    NULL AS rows_updated_hot
FROM information_schema.table_statistics AS s
WHERE s.table_schema = database()
GROUP BY s.table_schema, s.table_name
ORDER BY BINARY s.table_schema, BINARY s.table_name
