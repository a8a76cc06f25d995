-- What changes whenever a table of InnoDB does: the numbers of its files (TRUNCATE and ALTER make new ones), and the second
-- of the last commit that wrote to it, which the server forgets when it ends, or when it has more tables than it keeps open.
-- Needs: PROCESS.
SELECT
    t.table_name AS table_name,
    (
        SELECT group_concat(s.table_id ORDER BY s.table_id SEPARATOR ',')
        FROM information_schema.innodb_sys_tables AS s
        WHERE
            s.name = concat(t.table_schema, '/', t.table_name)
            OR s.name LIKE concat(t.table_schema, '/', t.table_name, '#P#%%')
    ) AS files,
    concat(t.update_time) AS changed_at,
    coalesce(timestampdiff(SECOND, t.update_time, now()) >= 2, 1) AS settled,
    (SELECT count(*) FROM information_schema.innodb_sys_tables AS a) < @@global.table_definition_cache AS remembered,
    CAST(unix_timestamp() - u.variable_value AS SIGNED) AS server_started
FROM information_schema.tables AS t
JOIN information_schema.global_status AS u ON u.variable_name = 'UPTIME'
WHERE t.table_schema = database() AND t.engine = 'InnoDB' AND t.table_type <> 'SEQUENCE'
ORDER BY BINARY t.table_name
