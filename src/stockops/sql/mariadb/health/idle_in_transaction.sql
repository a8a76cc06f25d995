-- The sessions that have idled longest within a transaction. Needs PROCESS.
SELECT
    CAST(p.id AS CHAR) AS subject,
    p.time_ms / 1000 AS value,
    NULL AS allowed,
    p.user AS detail
FROM information_schema.processlist AS p
INNER JOIN information_schema.innodb_trx AS t ON t.trx_mysql_thread_id = p.id
WHERE p.command = 'Sleep'
ORDER BY p.time_ms DESC, p.id
LIMIT 10
