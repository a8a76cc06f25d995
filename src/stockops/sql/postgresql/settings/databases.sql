-- What was counted in all databases. Each has a window of its own; one that was never reset counts since the shared
-- counters began. An hour of all is the sum of an hour of each; the window is the shortest of those that count.
WITH begun AS (
    SELECT least(w.stats_reset, b.stats_reset, a.stats_reset) AS at
    FROM pg_stat_wal AS w, pg_stat_bgwriter AS b, pg_stat_archiver AS a
),

counted AS (
    SELECT
        d.*,
        greatest(extract(EPOCH FROM now() - coalesce(d.stats_reset, begun.at))::float8, 0.001) AS window_s
    FROM pg_stat_database AS d, begun
    WHERE d.datname IS NOT NULL AND d.datname NOT IN ('template0', 'template1')
)

SELECT
    'databases.' || v.name AS name,
    sum(v.value) AS value,
    CASE WHEN v.name <> 'backends' THEN min(c.window_s) END AS window_s,
    sum(v.value * 3600 / c.window_s) AS hourly,
    '' AS note
FROM counted AS c
CROSS JOIN
    LATERAL (
        VALUES
        ('backends', c.numbackends::float8),
        ('blocks_hit', c.blks_hit::float8),
        ('blocks_read', c.blks_read::float8),
        ('commits', c.xact_commit::float8),
        ('deadlocks', c.deadlocks::float8),
        ('rollbacks', c.xact_rollback::float8),
        ('temp_bytes', c.temp_bytes::float8),
        ('temp_files', c.temp_files::float8)
    ) AS v (name, value)
GROUP BY v.name
ORDER BY v.name
