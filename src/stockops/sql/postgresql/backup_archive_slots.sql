-- Replication slots that keep log for archives of ours.
SELECT
    s.slot_name::text AS name,
    s.active AS active,
    s.restart_lsn::text AS lsn,
    s.wal_status AS status
FROM pg_replication_slots AS s
WHERE s.slot_name LIKE 'stockops\_archive\_%%'
ORDER BY s.slot_name
