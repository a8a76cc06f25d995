-- The largest table of this database, and the greatest share of dead rows in a table of 100,000 rows or more.
SELECT
    'tables.' || v.name AS name,
    v.value AS value,
    NULL::float8 AS window_s,
    NULL::float8 AS hourly,
    '' AS note
FROM (
    SELECT
        coalesce(max(t.n_live_tup), 0)::float8 AS largest_rows,
        coalesce(
            max(t.n_dead_tup::float8 / (t.n_live_tup + t.n_dead_tup)) FILTER (WHERE t.n_live_tup + t.n_dead_tup >= 100000), 0
        ) AS dead_share
    FROM pg_stat_user_tables AS t
) AS s
CROSS JOIN LATERAL (VALUES ('dead_share', s.dead_share), ('largest_rows', s.largest_rows)) AS v (name, value)
ORDER BY v.name
