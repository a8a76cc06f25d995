-- Prepared transactions without a session, the oldest first: they hold their locks until somebody ends them.
-- Needs PROCESS. The server names them in no table: XA RECOVER lists them by the names that XA ROLLBACK wants.
SELECT
    CAST(t.trx_id AS CHAR) AS name,
    'XA RECOVER FORMAT=''SQL'', then XA ROLLBACK with what it says' AS ending,
    '' AS database_name
FROM information_schema.innodb_trx AS t
WHERE t.trx_mysql_thread_id = 0
ORDER BY t.trx_started, t.trx_id
LIMIT 20
