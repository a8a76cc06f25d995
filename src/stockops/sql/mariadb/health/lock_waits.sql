-- The sessions that have waited longest for a lock of a row, a table or all of the server.
SELECT
    CAST(p.id AS CHAR) AS subject,
    CASE WHEN t.trx_wait_started IS NOT NULL THEN greatest(timestampdiff(SECOND, t.trx_wait_started, now()), 0)
        ELSE p.time_ms / 1000
    END AS value,
    NULL AS allowed,
    concat(p.user, ': ', CASE WHEN t.trx_state = 'LOCK WAIT' THEN 'row lock' ELSE p.state END) AS detail
FROM information_schema.processlist AS p
LEFT JOIN information_schema.innodb_trx AS t ON t.trx_mysql_thread_id = p.id AND t.trx_state = 'LOCK WAIT'
WHERE t.trx_id IS NOT NULL OR p.state LIKE 'Waiting for%%lock%%' OR p.state = 'User lock'
ORDER BY value DESC, p.id
LIMIT 10
