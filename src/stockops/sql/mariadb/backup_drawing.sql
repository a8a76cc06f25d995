-- The open transactions that hold a lock: whoever has drawn from event_ids holds the one of its issue.
-- A transaction gets its number with its first lock for writing; before, the server shows an address in its place.
-- InnoDB answers with what it gathered up to 0.1 s ago, or longer where somebody else keeps asking: only where `ours` is in
-- the answer, as a transaction that runs this very statement, was it gathered for us. Needs: PROCESS.
SELECT
    concat(t.trx_mysql_thread_id, ' ', t.trx_started) AS holder,
    IF(t.trx_id < 281474976710656, concat(t.trx_id), NULL) AS number,
    t.trx_mysql_thread_id = 0 AS detached,
    coalesce(t.trx_mysql_thread_id = connection_id() AND t.trx_query LIKE concat('%%', %(token)s, '%%'), 0) AS ours
FROM information_schema.innodb_trx AS t
WHERE t.trx_lock_structs > 0 OR t.trx_mysql_thread_id = connection_id()
ORDER BY holder
