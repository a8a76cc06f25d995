-- Every column of every table, in order, its type named as the same kind is on every engine.
-- A partition is part of its table and not listed; a domain is named as the type that it stands on.
SELECT
    c.relname::text AS table_name,
    a.attname::text AS column_name,
    CASE
        WHEN t.typname = 'int8' THEN 'bigint'
        WHEN t.typname = 'int4' THEN 'int'
        WHEN t.typname = 'int2' THEN 'smallint'
        WHEN t.typname = 'bool' THEN 'boolean'
        WHEN t.typname = 'varchar' AND m.typmod > 4 THEN 'varchar(' || m.typmod - 4 || ')'
        WHEN t.typname = 'bpchar' THEN 'char(' || m.typmod - 4 || ')'
        WHEN t.typname IN ('varchar', 'text') THEN 'text'
        WHEN t.typname IN ('timestamptz', 'timestamp') THEN 'timestamp'
        WHEN t.typname = 'numeric' AND m.typmod > 4
            THEN 'numeric(' || ((m.typmod - 4) >> 16) || ',' || ((m.typmod - 4) & 2047) || ')'
        WHEN t.typname IN ('json', 'jsonb') THEN 'json'
        WHEN t.typname = 'bytea' THEN 'binary'
        ELSE t.typname::text
    END AS family,
    NOT a.attnotnull AS nullable,
    a.attgenerated <> '' AS generated,
    coalesce(pg_catalog.col_description(c.oid, a.attnum), '') AS comment
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type AS d ON d.oid = a.atttypid
CROSS JOIN LATERAL (
    SELECT CASE WHEN d.typtype = 'd' THEN d.typtypmod ELSE a.atttypmod END AS typmod
) AS m
JOIN pg_catalog.pg_type AS t ON t.oid = CASE WHEN d.typtype = 'd' THEN d.typbasetype ELSE d.oid END
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY c.relname COLLATE "C", a.attnum
