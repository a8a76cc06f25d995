-- How this server follows another one: what it has received and applied, and since when nothing new came. `is_replica` is false on
-- a server that takes writes. One that was restarted begins to receive at the start of a segment, behind what it has applied: that
-- counts as received. Needs pg_read_all_stats to see the receiver.
SELECT
    s.is_replica,
    coalesce(w.status, '') AS receiver,
    coalesce(w.sender_host || ':' || w.sender_port, '') AS primary_address,
    coalesce(
        CASE
            WHEN s.is_replica THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::text
            ELSE pg_current_wal_lsn()::text
        END, ''
    ) AS received,
    coalesce(CASE WHEN s.is_replica THEN pg_last_wal_replay_lsn()::text ELSE pg_current_wal_lsn()::text END, '') AS applied,
    coalesce(
        CASE
            WHEN s.is_replica
                THEN greatest(pg_wal_lsn_diff(greatest(pg_last_wal_receive_lsn(), w.latest_end_lsn), pg_last_wal_replay_lsn())::bigint, 0)
        END, 0
    ) AS behind_bytes,
    CASE
        WHEN NOT s.is_replica OR (w.status = 'streaming' AND pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn()) THEN 0
        ELSE extract(EPOCH FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8
    END AS behind_s,
    CASE WHEN s.is_replica THEN pg_is_wal_replay_paused() ELSE false END AS paused,
    current_setting('primary_slot_name') AS slot_name,
    current_setting('primary_conninfo') <> '' AS is_configured
FROM (SELECT pg_is_in_recovery() AS is_replica) AS s
LEFT JOIN pg_stat_wal_receiver AS w ON true
ORDER BY w.pid
