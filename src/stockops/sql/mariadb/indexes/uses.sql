-- How often each index was read through the server since it started: what InnoDB reads to check foreign keys is not in it.
-- It asks for SELECT on performance_schema. An index of a table that nobody opened since has no row.
SELECT
    object_schema AS schema_name,
    object_name AS table_name,
    index_name AS index_name,
    CAST(count_star AS SIGNED) AS scans,
    NULL AS last_used_at
FROM performance_schema.table_io_waits_summary_by_index_usage
WHERE index_name IS NOT NULL AND object_schema = coalesce(database(), object_schema)
ORDER BY BINARY object_schema, BINARY object_name, BINARY index_name
