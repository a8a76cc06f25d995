-- Which session waits for a lock that which other one holds, or wants and stands before it. Everybody may ask.
-- Session 0 is a prepared transaction. Asking takes all partitions of the lock table for an instant, hence only where one waits.
SELECT DISTINCT
    a.pid AS waiting_id,
    b.pid AS blocking_id,
    l.mode || ' on ' || CASE
        WHEN l.locktype IN ('relation', 'tuple', 'page', 'extend') THEN coalesce(l.relation::regclass::text, 'a table')
        WHEN l.locktype IN ('transactionid', 'virtualxid', 'spectoken') THEN 'a row or a transaction'
        ELSE l.locktype
    END AS what
FROM pg_stat_activity AS a
JOIN pg_locks AS l ON l.pid = a.pid AND NOT l.granted
CROSS JOIN LATERAL unnest(pg_blocking_pids(a.pid)) AS b (pid)
WHERE a.wait_event_type = 'Lock' AND a.pid <> pg_backend_pid()
ORDER BY waiting_id, blocking_id, what
