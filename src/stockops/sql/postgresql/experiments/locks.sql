-- The locks on tables that a session holds or waits for now, the strongest last. No rights are needed.
SELECT
    c.relname::text AS table_name,
    l.mode AS lock_mode,
    l.granted AS is_granted
FROM pg_locks AS l
JOIN pg_class AS c ON c.oid = l.relation
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE
    l.pid = %(session_id)s AND l.locktype = 'relation' AND c.relkind IN ('r', 'p', 'm')
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
    AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
ORDER BY
    array_position(
        ARRAY[
            'AccessShareLock', 'RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock',
            'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'
        ],
        l.mode
    ),
    c.relname COLLATE "C"
