-- Seconds spent on syncs of the WAL, and how many syncs; nothing without track_wal_io_timing.
SELECT
    '' AS subject,
    w.wal_sync_time / 1000 AS value,
    w.wal_sync AS allowed,
    '' AS detail
FROM pg_stat_wal AS w
WHERE current_setting('track_wal_io_timing') = 'on'
ORDER BY w.stats_reset
