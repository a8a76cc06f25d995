-- Seconds from writing the log here to replaying it on each standby; none where nothing was written for a while.
-- Who only receives the log (pg_receivewal) replays none, and its replay_lag is how long it has been there.
SELECT
    coalesce(nullif(r.application_name, ''), 'pid') || ' ' || r.pid AS subject,
    coalesce(extract(EPOCH FROM CASE WHEN r.replay_lsn IS NULL THEN r.write_lag ELSE r.replay_lag END), 0) AS value,
    NULL::bigint AS allowed,
    coalesce(r.state, 'not known') AS detail
FROM pg_stat_replication AS r
WHERE r.state IS DISTINCT FROM 'backup'
ORDER BY r.application_name, r.pid
