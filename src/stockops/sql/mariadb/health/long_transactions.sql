-- The oldest open transactions of clients, without this one. Needs PROCESS.
SELECT
    CAST(t.trx_mysql_thread_id AS CHAR) AS subject,
    greatest(timestampdiff(SECOND, t.trx_started, now()), 0) AS value,
    NULL AS allowed,
    concat_ws(' ', p.user, p.command) AS detail
FROM information_schema.innodb_trx AS t
INNER JOIN information_schema.processlist AS p ON p.id = t.trx_mysql_thread_id
WHERE t.trx_mysql_thread_id <> connection_id()
ORDER BY t.trx_started, t.trx_mysql_thread_id
LIMIT 10
