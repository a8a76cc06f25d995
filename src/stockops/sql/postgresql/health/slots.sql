-- Log held back by each slot, of max_slot_wal_keep_size; where that is without end, of four times max_wal_size.
SELECT
    s.slot_name::text AS subject,
    coalesce(
        pg_wal_lsn_diff(
            CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
            coalesce(least(s.restart_lsn, s.confirmed_flush_lsn), s.restart_lsn)
        ),
        0
    ) AS value,
    CASE
        WHEN k.setting::bigint >= 0 THEN k.setting::bigint * 1024 * 1024
        ELSE 4 * pg_size_bytes(current_setting('max_wal_size'))
    END AS allowed,
    CASE WHEN s.active THEN 'in use' ELSE 'nobody uses it' END AS detail
FROM pg_replication_slots AS s
INNER JOIN pg_settings AS k ON k.name = 'max_slot_wal_keep_size'
ORDER BY s.slot_name
