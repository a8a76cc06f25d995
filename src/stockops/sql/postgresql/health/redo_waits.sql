-- How often the buffers of the log were full and had to be written at once.
SELECT
    '' AS subject,
    w.wal_buffers_full AS value,
    NULL::bigint AS allowed,
    '' AS detail
FROM pg_stat_wal AS w
ORDER BY w.stats_reset
