-- Every table and its comment; partitions are part of their table and not listed.
SELECT
    c.relname::text AS table_name,
    c.relkind = 'p' AS partitioned,
    coalesce(pg_catalog.obj_description(c.oid, 'pg_class'), '') AS comment
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY c.relname COLLATE "C"
