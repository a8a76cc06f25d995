-- The log that each replication slot keeps, the most first.
SELECT
    s.slot_name::text AS name,
    s.active AS is_active,
    coalesce(s.wal_status, '') = 'lost' AS is_lost,
    greatest(
        coalesce(
            pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, s.restart_lsn), 0
        ),
        0
    )::bigint AS held_bytes
FROM pg_replication_slots AS s
ORDER BY held_bytes DESC, s.slot_name
