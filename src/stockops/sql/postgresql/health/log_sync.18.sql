-- Seconds spent on syncs of the WAL, and how many syncs. From 18 on of pg_stat_io; nothing without track_wal_io_timing.
SELECT
    '' AS subject,
    sum(i.fsync_time) / 1000 AS value,
    sum(i.fsyncs) AS allowed,
    '' AS detail
FROM pg_stat_io AS i
WHERE i.object = 'wal' AND current_setting('track_wal_io_timing') = 'on'
HAVING sum(i.fsyncs) > 0
ORDER BY subject
