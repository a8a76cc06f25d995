-- Tables without transactions: writers to them wait for a physical backup, and not for a dump.
SELECT
    concat(t.table_schema, '.', t.table_name) AS name,
    concat(t.engine, ': not transactional') AS why,
    t.table_schema = database() AS dumped
FROM information_schema.tables AS t
WHERE
    t.table_type = 'BASE TABLE'
    AND t.engine NOT IN ('InnoDB', 'SEQUENCE')
    AND t.table_schema NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
ORDER BY t.table_schema, t.table_name
