-- The tables of this database whose storage engine has no transactions: what is written to them stays, whatever is rolled back.
SELECT
    concat(t.table_schema, '.', t.table_name) AS `table`,
    t.engine AS storage
FROM information_schema.tables AS t
JOIN information_schema.engines AS e ON e.engine = t.engine
WHERE t.table_type = 'BASE TABLE'
    AND t.table_schema = database()
    AND coalesce(e.transactions, 'NO') <> 'YES'
ORDER BY BINARY t.table_name
