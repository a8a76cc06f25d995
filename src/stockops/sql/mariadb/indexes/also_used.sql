-- How many rows each index gave since userstat was switched on; the server does not say when that was. Without it there is no row.
SELECT
    table_schema AS schema_name,
    table_name AS table_name,
    index_name AS index_name,
    CAST(rows_read AS SIGNED) AS scans,
    NULL AS last_used_at
FROM information_schema.index_statistics
WHERE table_schema = coalesce(database(), table_schema)
ORDER BY BINARY table_schema, BINARY table_name, BINARY index_name
