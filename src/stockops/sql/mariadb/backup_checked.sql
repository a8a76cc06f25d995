-- Every table that CHECK TABLE can look into, as a name that a statement can hold, the largest first.
SELECT concat('`', replace(t.table_schema, '`', '``'), '`.`', replace(t.table_name, '`', '``'), '`') AS name
FROM information_schema.tables AS t
WHERE
    t.table_type IN ('BASE TABLE', 'SEQUENCE')
    AND t.table_schema NOT IN ('information_schema', 'performance_schema', 'sys')
ORDER BY coalesce(t.data_length, 0) + coalesce(t.index_length, 0) DESC, t.table_schema, t.table_name
