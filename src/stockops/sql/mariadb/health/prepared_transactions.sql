-- Transactions without a session, the oldest first: prepared by XA, each holds its locks until somebody ends it.
SELECT
    CAST(t.trx_id AS CHAR) AS subject,
    greatest(timestampdiff(SECOND, t.trx_started, now()), 0) AS value,
    NULL AS allowed,
    'see XA RECOVER' AS detail
FROM information_schema.innodb_trx AS t
WHERE t.trx_mysql_thread_id = 0
ORDER BY t.trx_started, t.trx_id
LIMIT 20
