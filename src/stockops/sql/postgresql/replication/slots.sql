-- The slots that keep log for replicas: whether somebody reads from each, how much it holds back, whether its log is gone.
SELECT
    s.slot_name::text AS slot_name,
    s.active AS is_active,
    coalesce(s.wal_status, '') AS wal_status,
    coalesce(
        pg_wal_lsn_diff(
            CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, s.restart_lsn
        )::bigint, 0
    ) AS held_bytes
FROM pg_replication_slots AS s
WHERE s.slot_type = 'physical' AND NOT s.temporary
ORDER BY s.slot_name
