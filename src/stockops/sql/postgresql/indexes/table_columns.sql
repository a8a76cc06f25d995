-- The columns of every table of the database, with what ANALYZE knows of them; a partition is part of its table.
-- A role sees the statistics only of columns that it may read: elsewhere, and before ANALYZE, they are NULL.
SELECT
    n.nspname::text AS schema_name,
    c.relname::text AS table_name,
    a.attname::text AS column_name,
    format('%%I.%%I', n.nspname, c.relname) AS quoted_table,
    quote_ident(a.attname) AS quoted_column,
    CASE t.typcategory WHEN 'N' THEN 'number' WHEN 'S' THEN 'text' WHEN 'D' THEN 'time' WHEN 'B' THEN 'truth' ELSE 'other' END AS kind,
    NOT a.attnotnull AS is_nullable,
    EXISTS (
        SELECT 1
        FROM pg_opclass AS o
        JOIN pg_am AS m ON m.oid = o.opcmethod AND m.amname = 'btree'
        WHERE o.opcdefault AND (o.opcintype = t.oid OR EXISTS (
            SELECT 1 FROM pg_cast AS k
            WHERE k.castsource = t.oid AND k.casttarget = o.opcintype AND k.castmethod = 'b' AND k.castcontext = 'i'
        ) OR (t.typtype IN ('e', 'r') AND o.opcintype = CASE t.typtype WHEN 'e' THEN 'anyenum'::regtype ELSE 'anyrange'::regtype END))
    ) AS is_sortable,
    t.typcategory <> 'S' OR coalesce(l.collname IN ('C', 'POSIX', 'ucs_basic'), true) OR (
        l.collname = 'default' AND d.datcollate IN ('C', 'POSIX') AND d.datlocprovider = 'c'
    ) AS finds_beginnings,
    CASE WHEN a.atttypmod > 4 AND t.typname IN ('varchar', 'bpchar') THEN a.atttypmod - 4 END AS chars_max,
    s.avg_width AS bytes_mean,
    CASE
        WHEN s.n_distinct >= 0 THEN s.n_distinct::bigint
        WHEN c.reltuples >= 0 THEN round(-s.n_distinct::numeric * c.reltuples::numeric)::bigint
    END AS values_distinct,
    CASE WHEN c.reltuples >= 0 THEN c.reltuples::bigint END AS table_rows,
    c.relkind = 'p' AS is_partitioned,
    a.attgenerated <> '' OR a.attidentity = 'a' AS is_generated
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type AS b ON b.oid = a.atttypid
JOIN pg_type AS t ON t.oid = CASE WHEN b.typtype = 'd' THEN b.typbasetype ELSE b.oid END
JOIN pg_database AS d ON d.datname = current_database()
LEFT JOIN pg_collation AS l ON l.oid = a.attcollation
LEFT JOIN pg_stats AS s
    ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname AND s.inherited = (c.relkind = 'p')
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", a.attnum
