-- Every foreign key of the database's own tables, those that partitions inherit left out; columns as a JSON array, in order.
SELECT
    n.nspname::text AS schema_name,
    t.relname::text AS table_name,
    format('%%I.%%I', n.nspname, t.relname) AS quoted_table,
    x.conname::text AS constraint_name,
    json_agg(a.attname ORDER BY k.place)::text AS columns,
    string_agg(quote_ident(a.attname), ', ' ORDER BY k.place) AS quoted_columns,
    rn.nspname::text AS to_schema,
    r.relname::text AS to_table,
    json_agg(b.attname ORDER BY k.place)::text AS to_columns
FROM pg_constraint AS x
JOIN pg_class AS t ON t.oid = x.conrelid
JOIN pg_namespace AS n ON n.oid = t.relnamespace
JOIN pg_class AS r ON r.oid = x.confrelid
JOIN pg_namespace AS rn ON rn.oid = r.relnamespace
CROSS JOIN LATERAL unnest(x.conkey, x.confkey) WITH ORDINALITY AS k (own, other, place)
JOIN pg_attribute AS a ON a.attrelid = x.conrelid AND a.attnum = k.own
JOIN pg_attribute AS b ON b.attrelid = x.confrelid AND b.attnum = k.other
WHERE x.contype = 'f' AND x.conparentid = 0 AND n.nspname NOT IN ('pg_catalog', 'information_schema')
GROUP BY x.oid, n.nspname, t.relname, rn.nspname, r.relname
ORDER BY n.nspname COLLATE "C", t.relname COLLATE "C", x.conname COLLATE "C"
