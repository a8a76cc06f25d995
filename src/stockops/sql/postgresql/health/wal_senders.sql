-- Streams of the log that are open, of those that the server allows.
SELECT
    '' AS subject,
    count(*) AS value,
    current_setting('max_wal_senders')::bigint AS allowed,
    '' AS detail
FROM pg_stat_activity AS a
WHERE a.backend_type = 'walsender'
