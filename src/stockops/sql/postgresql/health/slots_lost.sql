-- 1 for each slot whose log was removed, or will be at the next checkpoint.
SELECT
    s.slot_name::text AS subject,
    CASE WHEN s.wal_status IN ('lost', 'unreserved') THEN 1 ELSE 0 END AS value,
    NULL::bigint AS allowed,
    coalesce(s.wal_status, 'not in use yet') AS detail
FROM pg_replication_slots AS s
ORDER BY value DESC, s.slot_name
