-- How many checkpoints came by the clock, and how many because max_wal_size was reached or somebody asked.
SELECT
    'checkpoints.' || v.name AS name,
    v.value AS value,
    extract(EPOCH FROM now() - c.stats_reset)::float8 AS window_s,
    NULL::float8 AS hourly,
    '' AS note
FROM pg_stat_checkpointer AS c
CROSS JOIN
    LATERAL (
        VALUES ('requested', c.num_requested::float8), ('timed', c.num_timed::float8)
    ) AS v (name, value)
ORDER BY v.name
