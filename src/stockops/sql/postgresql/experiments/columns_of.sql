-- The columns of one table, a partition or a materialized view, and the schema it is in; no row where there is none of the name.
-- Without a schema it is the one that a statement of this session would name. No rights are needed.
SELECT
    n.nspname::text AS schema_name,
    c.relname::text AS table_name,
    a.attname::text AS column_name
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.oid = to_regclass(concat_ws('.', quote_ident(%(schema_name)s::text), quote_ident(%(table_name)s::text)))
ORDER BY a.attnum
