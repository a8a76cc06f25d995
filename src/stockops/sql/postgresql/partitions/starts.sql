-- Where each partition of a table that is partitioned by date begins; NULL for one without a lower bound.
SELECT
    n.nspname::text AS part_schema,
    c.relname::text AS part_name,
    substring(pg_get_expr(c.relpartbound, c.oid) FROM 'FROM \(''(\d{4}-\d\d-\d\d)')::date AS starts_on
FROM pg_inherits AS i
JOIN pg_class AS c ON c.oid = i.inhrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_class AS p ON p.oid = i.inhparent
WHERE c.relispartition AND c.relkind = 'r' AND p.relkind = 'p'
ORDER BY part_schema, part_name
