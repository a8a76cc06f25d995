-- What some sessions would lose with their transaction. Everybody may ask of his own; of others it needs pg_read_all_stats.
-- PostgreSQL counts no rows of an open transaction: that it has a number says that it changed something, and the locks say where.
SELECT
    a.pid AS session_id,
    a.xact_start IS NOT NULL AS is_open,
    a.xact_start < a.query_start AS is_block,
    a.backend_xid::text AS transaction_id,
    a.backend_xid IS NOT NULL AS has_changed,
    NULL::bigint AS rows_changed,
    NULL::bigint AS rows_locked,
    coalesce(
        (
            SELECT string_agg(DISTINCT coalesce(c.oid::regclass::text, 'a table of another database'), ', ')
            FROM pg_locks AS l
            LEFT JOIN pg_class AS c
                ON c.oid = l.relation AND l.database IN (0, (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()))
            WHERE
                l.pid = a.pid
                AND l.locktype = 'relation'
                AND l.granted
                AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')
                AND (c.oid IS NULL OR (c.relkind IN ('r', 'p') AND c.relnamespace <> 'pg_catalog'::regnamespace))
        ),
        ''
    ) AS tables
FROM pg_stat_activity AS a
WHERE a.pid = ANY (string_to_array(%(session_ids)s, ',')::int[])
ORDER BY a.pid
