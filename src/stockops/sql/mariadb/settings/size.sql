-- How large all tables of InnoDB are together. An error without PROCESS.
SELECT
    'size.bytes' AS name,
    SUM(t.file_size) AS value,
    NULL AS window_s,
    NULL AS hourly,
    '' AS note
FROM information_schema.innodb_sys_tablespaces AS t
