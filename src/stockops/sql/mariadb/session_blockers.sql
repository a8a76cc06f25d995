-- Who keeps a session waiting right now: holders of the row it wants, else, for a table that
-- is locked as a whole, every other session with an open transaction or a running statement
-- in this database, since the server does not say which. Needs PROCESS.
-- The server refreshes these tables only when nobody has read them for 0.1 s.
SELECT
    p.id AS session_id,
    coalesce(p.user, '?') AS login,
    coalesce(
        (
            SELECT a.attr_value
            FROM performance_schema.session_connect_attrs AS a
            WHERE a.processlist_id = p.id AND a.attr_name = 'program_name'
        ),
        '?'
    ) AS application,
    coalesce(p.state, p.command) AS state,
    coalesce(p.info, '?') AS last_sql
FROM information_schema.processlist AS p
LEFT JOIN information_schema.innodb_trx AS t ON t.trx_mysql_thread_id = p.id
WHERE p.id NOT IN (connection_id(), %(waiting_id)s)
    AND (
        t.trx_id IN (
            SELECT w.blocking_trx_id
            FROM information_schema.innodb_lock_waits AS w
            JOIN information_schema.innodb_trx AS waiting ON waiting.trx_id = w.requesting_trx_id
            WHERE waiting.trx_mysql_thread_id = %(waiting_id)s
        )
        OR (
            p.db = database()
            AND (t.trx_id IS NOT NULL OR p.command = 'Query')
            AND EXISTS (
                SELECT 1
                FROM information_schema.processlist AS me
                WHERE me.id = %(waiting_id)s AND me.state LIKE 'Waiting for table metadata lock%%'
            )
        )
    )
ORDER BY p.id
