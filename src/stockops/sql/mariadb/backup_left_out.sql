-- Tables that come back empty, or at another moment than the rest.
SELECT
    concat(t.table_schema, '.', t.table_name) AS name,
    concat(t.engine, ': not transactional, so its rows are those of another moment') AS why
FROM information_schema.tables AS t
WHERE
    t.table_type = 'BASE TABLE'
    AND t.engine NOT IN ('InnoDB', 'SEQUENCE')
    AND t.table_schema NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
ORDER BY t.table_schema, t.table_name
