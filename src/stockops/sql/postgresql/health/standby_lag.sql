-- Log that each standby has yet to replay, of what the server keeps between two checkpoints. Needs pg_read_all_stats.
SELECT
    coalesce(nullif(r.application_name, ''), 'pid') || ' ' || r.pid AS subject,
    pg_wal_lsn_diff(
        CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END,
        coalesce(r.replay_lsn, r.flush_lsn, r.sent_lsn)
    ) AS value,
    pg_size_bytes(current_setting('max_wal_size')) AS allowed,
    coalesce(r.state, 'not known') AS detail
FROM pg_stat_replication AS r
ORDER BY r.application_name, r.pid
