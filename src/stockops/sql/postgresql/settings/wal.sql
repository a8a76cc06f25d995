-- How much was written to the log, how many whole pages of it, and how often its buffers were full.
SELECT
    'wal.' || v.name AS name,
    v.value AS value,
    extract(EPOCH FROM now() - w.stats_reset)::float8 AS window_s,
    NULL::float8 AS hourly,
    '' AS note
FROM pg_stat_wal AS w
CROSS JOIN
    LATERAL (
        VALUES
        ('buffers_full', w.wal_buffers_full::float8),
        ('bytes', w.wal_bytes::float8),
        ('full_pages', w.wal_fpi::float8)
    ) AS v (name, value)
ORDER BY v.name
