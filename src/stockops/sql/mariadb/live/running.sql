-- What each session but this one is at, briefly. Needs PROCESS: an error without.
-- innodb_trx, which tells who waits for the lock of a row, is fresh only if nobody has read it for 0.1 s.
SELECT
    p.id AS session_id,
    p.user AS login,
    coalesce(p.db, '') AS database_name,
    'active' AS state,
    CASE
        WHEN t.trx_state = 'LOCK WAIT' THEN 'Lock: row'
        WHEN p.state LIKE 'Waiting for%%lock%%' OR p.state = 'User lock' THEN concat('Lock: ', CASE WHEN p.state = 'User lock' THEN 'advisory' ELSE substring(p.state, 13) END)
        ELSE coalesce(p.state, '')
    END AS wait,
    CAST(p.time_ms AS SIGNED) AS statement_ms,
    NULL AS text_key,
    coalesce(p.info, '') AS sql_text
FROM information_schema.processlist AS p
LEFT JOIN information_schema.innodb_trx AS t ON t.trx_mysql_thread_id = p.id
WHERE p.id <> connection_id() AND p.command IN ('Query', 'Execute')
ORDER BY p.id
