-- The server's clock, how often pg_stat_statements has evicted entries, when it was reset, and how long all sessions have worked.
-- Everybody may ask. A session adds what it worked to the last one about once a second, and with what it computed around statements.
SELECT
    clock_timestamp()::text AS at,
    i.dealloc AS evictions,
    i.stats_reset::text AS reset_at,
    (SELECT sum(d.active_time) * 1000 FROM pg_stat_database AS d)::bigint AS busy_us
FROM pg_stat_statements_info AS i
ORDER BY at
