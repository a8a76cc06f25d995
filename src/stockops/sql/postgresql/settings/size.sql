-- How large all databases are together. An error where the role may not know.
SELECT
    'size.bytes' AS name,
    sum(pg_database_size(d.oid))::float8 AS value,
    NULL::float8 AS window_s,
    NULL::float8 AS hourly,
    '' AS note
FROM pg_database AS d
