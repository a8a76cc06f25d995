-- Tables that know no transactions: a crash leaves them half written, or empty.
SELECT
    concat(t.table_schema, '.', t.table_name) AS subject,
    1 AS value,
    NULL AS allowed,
    concat('is of ', t.engine, ', which knows no transactions') AS detail
FROM information_schema.tables AS t
INNER JOIN information_schema.engines AS e ON e.engine = t.engine
WHERE
    t.table_type = 'BASE TABLE' AND coalesce(e.transactions, 'NO') <> 'YES'
    AND t.table_schema NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')
ORDER BY subject
LIMIT 20
