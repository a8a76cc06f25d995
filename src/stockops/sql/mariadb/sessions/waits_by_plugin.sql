-- Who holds the lock that a session waits for, by the plugin METADATA_LOCK_INFO: an unknown table without it. Needs PROCESS.
-- It does not say who wants which: each that waits is said to wait for all that hold a lock its statement names. Those that
-- only queue before it are not known.
SELECT DISTINCT
    CAST(p.id AS SIGNED) AS waiting_id,
    CAST(m.thread_id AS SIGNED) AS blocking_id,
    CASE m.lock_type
        WHEN 'User lock' THEN concat('advisory lock ', quote(m.table_schema))
        ELSE concat('table ', m.table_schema, '.', m.table_name)
    END AS what
FROM information_schema.processlist AS p
JOIN information_schema.metadata_lock_info AS m ON m.thread_id <> p.id
WHERE
    (
        p.state LIKE 'Waiting for table metadata lock%%'
        AND m.lock_type = 'Table metadata lock'
        AND locate(lower(m.table_name), lower(p.info)) > 0
    )
    OR (p.state = 'User lock' AND m.lock_type = 'User lock' AND locate(m.table_schema, p.info) > 0)
ORDER BY waiting_id, blocking_id, what
