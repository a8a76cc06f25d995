-- The sessions that have waited longest for a lock of the lock table.
SELECT
    l.pid::text AS subject,
    coalesce(extract(EPOCH FROM clock_timestamp() - l.waitstart), 0) AS value,
    NULL::bigint AS allowed,
    l.mode || ' on ' || coalesce(l.relation::regclass::text, l.locktype) AS detail
FROM pg_locks AS l
WHERE NOT l.granted AND l.pid IS NOT NULL
ORDER BY l.waitstart, l.pid
LIMIT 10
