-- Every index over plain columns, keys included: columns in order, as a list with commas.
SELECT
    c.relname::text AS table_name,
    string_agg(a.attname, ',' ORDER BY k.position) AS columns,
    i.indisunique AS is_unique,
    i.indisprimary AS is_primary
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, position)
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.attnum
WHERE n.nspname = 'public'
    AND c.relkind IN ('r', 'p')
    AND NOT c.relispartition
    AND k.position <= i.indnkeyatts
    AND i.indexprs IS NULL
GROUP BY i.indexrelid, c.relname, i.indisunique, i.indisprimary
ORDER BY c.relname COLLATE "C", columns, is_primary DESC, is_unique DESC
