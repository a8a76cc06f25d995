-- What takes room on the disk of a server, the largest of each kind: log, what waits for the archiver, temporary files, databases, and of
-- this database tables, indexes and rows that are dead. Needs pg_monitor.
SELECT
    k.kind,
    k.name,
    k.size_bytes,
    k.note
FROM (
    SELECT
        1 AS place,
        'wal' AS kind,
        'pg_wal' AS name,
        coalesce(sum(f.size), 0)::bigint AS size_bytes,
        count(*) || ' files; max_wal_size ' || current_setting('max_wal_size') || ', wal_keep_size '
        || current_setting('wal_keep_size') AS note
    FROM pg_ls_waldir() AS f
    UNION ALL
    SELECT
        2,
        'archive',
        'waits for the archiver',
        count(*) * pg_size_bytes(current_setting('wal_segment_size')),
        count(*) || ' files' || coalesce(
            (
                SELECT ', archive_command fails since ' || to_char(a.last_failed_time, 'YYYY-MM-DD HH24:MI')
                FROM pg_stat_archiver AS a
                WHERE a.last_failed_time > coalesce(a.last_archived_time, '-infinity')
            ),
            ''
        )
    FROM pg_ls_archive_statusdir() AS f
    WHERE f.name LIKE '%%.ready'
    UNION ALL
    SELECT
        3,
        'temp',
        'of session ' || coalesce(substring(f.name FROM '^pgsql_tmp(\d+)'), '?'),
        sum(f.size)::bigint,
        CASE WHEN bool_or(a.pid IS NOT NULL) THEN 'it is there' ELSE 'it is gone: the next start removes them' END
    FROM pg_ls_tmpdir() AS f
    LEFT JOIN pg_stat_activity AS a ON a.pid = substring(f.name FROM '^pgsql_tmp(\d+)')::integer
    GROUP BY substring(f.name FROM '^pgsql_tmp(\d+)')
    UNION ALL
    SELECT 4, 'database', d.datname::text, pg_database_size(d.oid), ''
    FROM pg_database AS d
    WHERE has_database_privilege(d.oid, 'CONNECT')
    UNION ALL
    (
        SELECT 5, 'table', c.oid::regclass::text, pg_table_size(c.oid), ''
        FROM pg_class AS c
        WHERE c.relkind IN ('r', 'm') AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
        ORDER BY 4 DESC, 3
        LIMIT %(tables_max)s
    )
    UNION ALL
    (
        SELECT
            6,
            'index',
            c.oid::regclass::text,
            pg_relation_size(c.oid),
            CASE WHEN x.indisvalid THEN '' ELSE 'no query may read it: stockops index rebuild' END
        FROM pg_class AS c
        JOIN pg_index AS x ON x.indexrelid = c.oid
        WHERE c.relkind = 'i' AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace)
        ORDER BY 4 DESC, 3
        LIMIT %(tables_max)s
    )
    UNION ALL
    (
        SELECT
            7,
            'dead rows',
            s.relid::regclass::text,
            (pg_relation_size(s.relid) * s.n_dead_tup / (s.n_live_tup + s.n_dead_tup))::bigint,
            s.n_dead_tup || ' of ' || s.n_live_tup + s.n_dead_tup || ' rows; VACUUM makes room within the table'
        FROM pg_stat_user_tables AS s
        WHERE s.n_dead_tup > 1000
        ORDER BY 4 DESC, 3
        LIMIT %(tables_max)s
    )
) AS k
ORDER BY k.place, k.size_bytes DESC, k.name
