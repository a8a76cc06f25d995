-- The open transactions that have drawn from event_ids: each holds a lock on it to its end, also a prepared one.
-- A transaction that has ended, and a draw after this answer, are not in it.
SELECT
    l.virtualtransaction AS holder,
    l.virtualtransaction AS number,
    l.pid IS NULL AS detached,
    %(token)s::text IS NULL AS ours
FROM pg_locks AS l
JOIN pg_database AS d ON d.oid = l.database
WHERE
    d.datname = current_database() AND l.locktype = 'relation' AND l.relation = to_regclass('public.event_ids')
    AND l.mode = 'RowExclusiveLock' AND l.granted
ORDER BY l.virtualtransaction
