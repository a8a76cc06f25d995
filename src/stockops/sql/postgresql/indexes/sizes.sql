-- The size of each index and, of a B-tree, how many bytes its rows need at its fill factor: by the average widths and the row
-- count of the last ANALYZE, with 8 bytes a row of header, 8 more of NULL bits where there are any, and 4 of line pointer.
-- Equal keys share room (deduplication), so an index may well be smaller than that. Statistics of columns that the role may not
-- read are not shown to it, and then needed_bytes is NULL, as it is before the first ANALYZE. A partitioned index has the size
-- of its parts.
WITH seen AS MATERIALIZED (
    SELECT schemaname, tablename, attname, null_frac::numeric AS null_part, avg_width::numeric AS bytes
    FROM pg_stats
    WHERE NOT inherited
),
widths AS (
    SELECT
        i.indexrelid,
        count(*) AS columns,
        bool_or(s.null_part > 0) AS has_nulls,
        sum(s.bytes * (1 - s.null_part)) AS bytes
    FROM pg_index AS i
    JOIN pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_class AS t ON t.oid = i.indrelid
    JOIN pg_namespace AS n ON n.oid = t.relnamespace
    CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
    JOIN pg_attribute AS a
        ON a.attrelid = CASE WHEN k.attnum = 0 THEN c.oid ELSE t.oid END
        AND a.attnum = CASE WHEN k.attnum = 0 THEN k.place ELSE k.attnum END
    JOIN seen AS s
        ON s.schemaname = n.nspname AND s.attname = a.attname
        AND s.tablename = CASE WHEN k.attnum = 0 THEN c.relname ELSE t.relname END
    GROUP BY i.indexrelid
)
SELECT
    n.nspname::text AS schema_name,
    t.relname::text AS table_name,
    c.relname::text AS index_name,
    CASE
        WHEN c.relkind = 'I' THEN (SELECT coalesce(sum(pg_relation_size(p.relid)), 0) FROM pg_partition_tree(c.oid) AS p)::bigint
        ELSE pg_relation_size(c.oid)
    END AS size_bytes,
    CASE
        WHEN m.amname = 'btree' AND c.relkind = 'i' AND c.reltuples >= 0 AND w.columns = i.indnatts THEN
            current_setting('block_size')::bigint * (1 + ceil(
                c.reltuples::numeric * (12 + CASE WHEN w.has_nulls THEN 8 ELSE 0 END + 8 * ceil(w.bytes / 8.0))
                / ((current_setting('block_size')::int - 40) * f.fill_percent / 100.0)
            )::bigint)
    END AS needed_bytes,
    'Gather statistics, or read as a role that may see them: ANALYZE ' || format('%%I.%%I', n.nspname, t.relname) AS remedy
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_class AS t ON t.oid = i.indrelid
JOIN pg_namespace AS n ON n.oid = t.relnamespace
JOIN pg_am AS m ON m.oid = c.relam
LEFT JOIN widths AS w ON w.indexrelid = i.indexrelid
CROSS JOIN LATERAL (
    SELECT coalesce(
        (SELECT o.option_value::numeric FROM pg_options_to_table(c.reloptions) AS o WHERE o.option_name = 'fillfactor'), 90
    ) AS fill_percent
) AS f
WHERE t.relkind IN ('r', 'p', 'm') AND t.relpersistence <> 't'
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
ORDER BY n.nspname COLLATE "C", t.relname COLLATE "C", c.relname COLLATE "C"
