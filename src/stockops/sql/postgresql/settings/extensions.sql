-- Whether pg_stat_statements lies on the server's disk, ready to be loaded.
SELECT
    'extensions.pg_stat_statements' AS name,
    count(*)::float8 AS value,
    NULL::float8 AS window_s,
    NULL::float8 AS hourly,
    '' AS note
FROM pg_available_extensions AS e
WHERE e.name = 'pg_stat_statements'
