-- Transactions of this database that have written or locked a row and have not ended, prepared ones too. Each holds a lock on
-- its own number until all see what it did; a snapshot does not name those that began after the last one that ended.
SELECT DISTINCT l.transactionid::text AS writer
FROM pg_catalog.pg_locks AS l
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE
    l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.granted
    AND (l.pid IS NULL OR a.datname = current_database())
ORDER BY writer
