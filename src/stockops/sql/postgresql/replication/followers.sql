-- Who replays this server's log, how far behind each is, and the slot that keeps the log for it; a backup and an archive replay
-- nothing, and are left out. Needs pg_read_all_stats.
SELECT
    coalesce(nullif(r.application_name, ''), 'pid ' || r.pid) AS replica,
    coalesce(r.state, '') AS state,
    coalesce(r.flush_lsn::text, '') AS received,
    coalesce(r.replay_lsn::text, '') AS applied,
    pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END, r.replay_lsn)::bigint
        AS behind_bytes,
    coalesce(extract(EPOCH FROM r.replay_lag), 0)::float8 AS behind_s,
    coalesce(s.slot_name::text, '') AS slot_name
FROM pg_stat_replication AS r
LEFT JOIN pg_replication_slots AS s ON s.active_pid = r.pid
WHERE r.replay_lsn IS NOT NULL
ORDER BY replica, r.pid
