-- What some sessions would lose with their transaction: InnoDB counts the rows it changed. Needs PROCESS, and SELECT on
-- performance_schema. Its tables are known only with the instrument wait/lock/metadata/sql/mdl. What was written to a table of an
-- engine without transactions stays, and is not counted.
SELECT
    CAST(p.id AS SIGNED) AS session_id,
    t.trx_id IS NOT NULL AS is_open,
    NULL AS is_block,
    CASE WHEN t.trx_id <> '0' THEN CAST(t.trx_id AS CHAR) END AS transaction_id,
    coalesce(t.trx_rows_modified, 0) > 0 AS has_changed,
    CAST(coalesce(t.trx_rows_modified, 0) AS SIGNED) AS rows_changed,
    CAST(coalesce(t.trx_rows_locked, 0) AS SIGNED) AS rows_locked,
    coalesce(
        (
            SELECT group_concat(DISTINCT concat_ws('.', m.object_schema, m.object_name) ORDER BY m.object_schema, m.object_name SEPARATOR ', ')
            FROM performance_schema.metadata_locks AS m
            JOIN performance_schema.threads AS h ON h.thread_id = m.owner_thread_id
            WHERE
                h.processlist_id = p.id
                AND m.object_type = 'TABLE'
                AND m.lock_status = 'GRANTED'
                AND m.lock_type NOT IN ('INTENTION_EXCLUSIVE', 'SHARED', 'SHARED_HIGH_PRIO', 'SHARED_READ')
        ),
        ''
    ) AS tables
FROM information_schema.processlist AS p
LEFT JOIN information_schema.innodb_trx AS t ON t.trx_mysql_thread_id = p.id
WHERE find_in_set(p.id, %(session_ids)s)
ORDER BY p.id
