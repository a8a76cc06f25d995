-- Free room in the files of tables of 64 MiB or more, of their size.
SELECT
    concat(t.table_schema, '.', t.table_name) AS subject,
    t.data_free AS value,
    t.data_length + t.index_length + t.data_free AS allowed,
    '' AS detail
FROM information_schema.tables AS t
WHERE
    t.table_schema NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema') AND t.engine = 'InnoDB'
    AND t.data_length + t.index_length + t.data_free >= 67108864
ORDER BY t.data_free DESC, subject
LIMIT 20
