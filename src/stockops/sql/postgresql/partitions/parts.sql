-- Every partition of every table that is partitioned into ranges of one date, as `date` or `timestamp`. Everybody may ask.
-- `is_open` is the one that takes all that comes after the others: up to MAXVALUE, or the default one.
SELECT
    k.schema_name,
    k.table_name,
    k.column_name,
    'date' AS kind,
    k.part_schema,
    k.part_name,
    substring(k.bound FROM 'TO \(''(\d{4}-\d\d-\d\d)')::date AS ends_on,
    (k.bound = 'DEFAULT' OR k.bound LIKE '%%TO (MAXVALUE)') AS is_open,
    k.bound = 'DEFAULT' AS is_default,
    k.owner_name
FROM (
    SELECT
        n.nspname::text AS schema_name,
        p.relname::text AS table_name,
        a.attname::text AS column_name,
        cn.nspname::text AS part_schema,
        c.relname::text AS part_name,
        pg_get_expr(c.relpartbound, c.oid) AS bound,
        pg_get_userbyid(p.relowner)::text AS owner_name
    FROM pg_partitioned_table AS t
    JOIN pg_class AS p ON p.oid = t.partrelid
    JOIN pg_namespace AS n ON n.oid = p.relnamespace
    JOIN pg_attribute AS a ON a.attrelid = p.oid AND a.attnum = t.partattrs[0]
    JOIN pg_inherits AS i ON i.inhparent = p.oid AND NOT i.inhdetachpending
    JOIN pg_class AS c ON c.oid = i.inhrelid
    JOIN pg_namespace AS cn ON cn.oid = c.relnamespace
    WHERE
        t.partstrat = 'r'
        AND t.partnatts = 1
        AND NOT p.relispartition
        AND a.atttypid IN ('date'::regtype, 'timestamp'::regtype)
) AS k
ORDER BY k.schema_name, k.table_name, ends_on NULLS LAST, k.part_name
