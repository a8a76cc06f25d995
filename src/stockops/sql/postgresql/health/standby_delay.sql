-- Seconds from writing the log here to replaying it on each standby; none where nothing was written for a while.
SELECT
    coalesce(nullif(r.application_name, ''), 'pid') || ' ' || r.pid AS subject,
    coalesce(extract(EPOCH FROM r.replay_lag), 0) AS value,
    NULL::bigint AS allowed,
    coalesce(r.state, 'not known') AS detail
FROM pg_stat_replication AS r
WHERE r.state IS DISTINCT FROM 'backup'
ORDER BY r.application_name, r.pid
