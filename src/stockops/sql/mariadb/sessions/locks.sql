-- What each of some sessions holds and wants, at most %(locks_max)s of each: what it waits for first.
-- Needs PROCESS, and SELECT on performance_schema. Of rows, InnoDB names only those that somebody waits for; how many else there
-- are is a number. Locks of tables are known only with the instrument wait/lock/metadata/sql/mdl. Waits are in whole seconds for
-- a row, and as long as the statement for all else.
SELECT
    k.session_id,
    k.object,
    k.mode,
    k.is_granted,
    k.waited_ms
FROM (
    SELECT
        a.session_id,
        a.object,
        a.mode,
        a.is_granted,
        a.waited_ms,
        row_number() OVER (PARTITION BY a.session_id, a.is_granted ORDER BY a.rank_no, a.object, a.mode) AS place
    FROM (
        SELECT
            CAST(t.trx_mysql_thread_id AS SIGNED) AS session_id,
            concat('row ', coalesce(l.lock_data, '?'), ' of ', replace(l.lock_table, '`', ''), ' (', coalesce(l.lock_index, 'table'), ')') AS object,
            l.lock_mode AS mode,
            CASE WHEN t.trx_requested_lock_id <=> l.lock_id THEN 0 ELSE 1 END AS is_granted,
            CASE WHEN t.trx_requested_lock_id <=> l.lock_id
                THEN 1000 * greatest(timestampdiff(SECOND, t.trx_wait_started, now()), 0)
            END AS waited_ms,
            1 AS rank_no
        FROM information_schema.innodb_locks AS l
        JOIN information_schema.innodb_trx AS t ON t.trx_id = l.lock_trx_id
        UNION ALL
        SELECT
            CAST(t.trx_mysql_thread_id AS SIGNED),
            concat(t.trx_rows_locked, ' rows in ', t.trx_tables_locked, ' tables'),
            '',
            1,
            NULL,
            2
        FROM information_schema.innodb_trx AS t
        WHERE t.trx_rows_locked > 0
        UNION ALL
        SELECT
            CAST(h.processlist_id AS SIGNED),
            CASE m.object_type
                WHEN 'USER LEVEL LOCK' THEN concat('advisory lock ', quote(m.object_name))
                ELSE trim(
                    concat_ws(' ', lower(m.object_type), concat_ws('.', nullif(m.object_schema, ''), nullif(m.object_name, '')))
                )
            END,
            m.lock_type,
            CASE WHEN m.lock_status = 'PENDING' THEN 0 ELSE 1 END,
            CASE WHEN m.lock_status = 'PENDING' THEN CAST(p.time_ms AS SIGNED) END,
            CASE WHEN m.lock_type IN ('EXCLUSIVE', 'SHARED_NO_WRITE', 'SHARED_NO_READ_WRITE') THEN 0 ELSE 3 END
        FROM performance_schema.metadata_locks AS m
        JOIN performance_schema.threads AS h ON h.thread_id = m.owner_thread_id
        JOIN information_schema.processlist AS p ON p.id = h.processlist_id
        WHERE m.object_type <> 'SCHEMA'
        UNION ALL
        SELECT
            CAST(p.id AS SIGNED),
            CASE WHEN p.state = 'User lock' THEN 'advisory lock' ELSE substring(p.state, 13) END,
            '',
            0,
            CAST(p.time_ms AS SIGNED),
            4
        FROM information_schema.processlist AS p
        WHERE
            (p.state LIKE 'Waiting for%%lock%%' OR p.state = 'User lock')
            AND NOT EXISTS (
                SELECT 1
                FROM performance_schema.threads AS h
                JOIN performance_schema.metadata_locks AS m ON m.owner_thread_id = h.thread_id AND m.lock_status = 'PENDING'
                WHERE h.processlist_id = p.id
            )
    ) AS a
    WHERE find_in_set(a.session_id, %(session_ids)s)
) AS k
WHERE k.place <= %(locks_max)s
ORDER BY k.session_id, k.is_granted, k.place
