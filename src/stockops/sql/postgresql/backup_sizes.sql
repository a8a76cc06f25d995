-- How large the rows of every table of a user are, those of its partitions included, by the name that backup_columns gives it.
SELECT
    CASE WHEN n.nspname = 'public' THEN '' ELSE quote_ident(n.nspname) || '.' END || quote_ident(c.relname) AS table_name,
    coalesce(
        (SELECT sum(pg_table_size(p.relid)) FROM pg_partition_tree(c.oid) AS p WHERE p.isleaf), pg_table_size(c.oid), 0
    )::bigint AS data_bytes
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE
    c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
    AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%%'
ORDER BY n.nspname, c.relname
