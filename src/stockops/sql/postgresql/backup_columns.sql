-- Every column of every table that holds rows of a user, in order; a table without columns is one row. Partitions are part
-- of their table, and what belongs to an extension comes back with it.
SELECT
    CASE WHEN n.nspname = 'public' THEN '' ELSE quote_ident(n.nspname) || '.' END || quote_ident(c.relname) AS table_name,
    CASE WHEN c.relkind = 'r' THEN 'ONLY ' ELSE '' END || quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS source,
    c.relpersistence = 'u' AS unlogged,
    c.oid IS NOT NULL AS transactional,
    a.attname::text AS column_name,
    quote_ident(a.attname) AS quoted,
    format_type(a.atttypid, a.atttypmod) AS type,
    t.typname::text AS family,
    NOT a.attnotnull AS nullable
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_type AS d ON d.oid = a.atttypid
LEFT JOIN pg_type AS t ON t.oid = CASE WHEN d.typtype = 'd' THEN d.typbasetype ELSE d.oid END
WHERE
    c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
    AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%%'
    AND NOT EXISTS (
        SELECT 1 FROM pg_depend AS e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e'
    )
ORDER BY n.nspname, c.relname, a.attnum
