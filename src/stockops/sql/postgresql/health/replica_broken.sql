-- 1 where a standby that should stream from another server does not. Needs pg_read_all_settings.
SELECT
    '' AS subject,
    CASE WHEN w.status = 'streaming' THEN 0 ELSE 1 END AS value,
    NULL::bigint AS allowed,
    CASE WHEN w.status = 'streaming' THEN 'it streams from ' || coalesce(w.sender_host, 'its primary')
        ELSE 'it does not stream: ' || coalesce('the receiver is ' || w.status, 'there is no receiver')
    END AS detail
FROM (SELECT pg_is_in_recovery() AS is_standby) AS s
LEFT JOIN pg_stat_wal_receiver AS w ON true
WHERE s.is_standby AND current_setting('primary_conninfo') <> ''
ORDER BY w.pid
