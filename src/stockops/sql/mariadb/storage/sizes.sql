-- What takes room on the disk of a server, the largest of each kind: InnoDB's own files, databases, tables with their indexes, and room
-- within tables that nothing uses. Needs PROCESS. Binary logs are listed by SHOW BINARY LOGS only.
SELECT
    k.kind,
    k.name,
    k.size_bytes,
    k.note
FROM (
    SELECT 1 AS place, 'redo' AS kind, 'ib_logfile0' AS name, CAST(v.variable_value AS SIGNED) AS size_bytes, 'innodb_log_file_size' AS note
    FROM information_schema.global_variables AS v
    WHERE v.variable_name = 'INNODB_LOG_FILE_SIZE'
    UNION ALL
    SELECT
        2,
        CASE WHEN s.name = 'innodb_temporary' THEN 'temp' ELSE 'system' END,
        s.name,
        CAST(s.file_size AS SIGNED),
        CASE WHEN s.name = 'innodb_temporary' THEN 'grows and never shrinks before a restart' ELSE '' END
    FROM information_schema.innodb_sys_tablespaces AS s
    WHERE s.name LIKE 'innodb\_%%'
    UNION ALL
    SELECT 4, 'database', d.of_database, d.size_bytes, ''
    FROM (
        SELECT substring_index(s.name, '/', 1) AS of_database, CAST(sum(s.file_size) AS SIGNED) AS size_bytes
        FROM information_schema.innodb_sys_tablespaces AS s
        WHERE s.name LIKE '%%/%%'
        GROUP BY of_database
    ) AS d
    UNION ALL
    (
        SELECT
            5,
            'table',
            concat(t.table_schema, '.', t.table_name),
            CAST(t.data_length + t.index_length AS SIGNED),
            concat('of which indexes ', round(t.index_length / 1048576, 1), ' MiB')
        FROM information_schema.tables AS t
        WHERE t.table_schema = database() AND t.data_length IS NOT NULL
        ORDER BY 4 DESC, 3
        LIMIT %(tables_max)s
    )
    UNION ALL
    (
        SELECT 7, 'unused room', concat(t.table_schema, '.', t.table_name), CAST(t.data_free AS SIGNED), 'ALTER TABLE ... FORCE gives it back'
        FROM information_schema.tables AS t
        WHERE t.table_schema = database() AND t.data_free >= 16777216
        ORDER BY 4 DESC, 3
        LIMIT %(tables_max)s
    )
) AS k
ORDER BY k.place, k.size_bytes DESC, k.name
