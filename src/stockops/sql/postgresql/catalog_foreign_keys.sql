-- Every foreign key: its columns, and the table and columns it points at, as lists with commas.
SELECT
    c.relname::text AS table_name,
    string_agg(a.attname, ',' ORDER BY k.position) AS columns,
    f.relname::text AS to_table,
    string_agg(b.attname, ',' ORDER BY k.position) AS to_columns
FROM pg_catalog.pg_constraint AS x
JOIN pg_catalog.pg_class AS c ON c.oid = x.conrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class AS f ON f.oid = x.confrelid
CROSS JOIN LATERAL unnest(x.conkey, x.confkey) WITH ORDINALITY AS k (own, foreign_one, position)
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = x.conrelid AND a.attnum = k.own
JOIN pg_catalog.pg_attribute AS b ON b.attrelid = x.confrelid AND b.attnum = k.foreign_one
WHERE x.contype = 'f' AND n.nspname = 'public' AND x.conparentid = 0
GROUP BY x.oid, c.relname, f.relname
ORDER BY c.relname COLLATE "C", columns, to_table
