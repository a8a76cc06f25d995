-- The indexes of every table of the schema: those on plain columns, without a condition, and not those of partitions.
SELECT
    t.relname::text AS table_name,
    i.relname::text AS index_name,
    string_agg(a.attname, ', ' ORDER BY k.place) AS column_names
FROM pg_catalog.pg_index AS x
JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid
JOIN pg_catalog.pg_class AS t ON t.oid = x.indrelid
CROSS JOIN LATERAL unnest(x.indkey) WITH ORDINALITY AS k (attnum, place)
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = k.attnum
WHERE
    t.relnamespace = current_schema()::regnamespace AND NOT t.relispartition AND x.indexprs IS NULL AND x.indpred IS NULL
GROUP BY t.relname, i.relname
ORDER BY table_name, index_name
