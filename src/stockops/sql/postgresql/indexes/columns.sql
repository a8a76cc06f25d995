-- What each index holds, in its order: the keys first, then what INCLUDE carries along. No rights are needed.
-- The operator class stands with its schema and its options; the expression of a plain column is its name.
SELECT
    n.nspname::text AS schema_name,
    t.relname::text AS table_name,
    c.relname::text AS index_name,
    k.place::int AS place,
    k.place <= i.indnkeyatts AS is_key,
    a.attname::text AS column_name,
    pg_get_indexdef(i.indexrelid, k.place::int, true) AS expression,
    (coalesce(i.indoption[k.place - 1], 0) & 1) = 1 AS is_descending,
    (coalesce(i.indoption[k.place - 1], 0) & 2) = 2 AS is_nulls_first,
    CASE
        WHEN k.place <= i.indnkeyatts
            THEN i.indclass[k.place - 1]::text || coalesce(' ' || array_to_string(b.attoptions, ' '), '')
        ELSE ''
    END AS operators,
    coalesce(nullif(i.indcollation[k.place - 1], 0)::regcollation::text, '') AS collation_name,
    k.place > i.indnkeyatts OR coalesce(a.attcollation, b.attcollation) = i.indcollation[k.place - 1] AS is_own_collation,
    NULL::int AS prefix_chars,
    NOT coalesce(a.attnotnull, false) AS is_nullable,
    false AS is_counter
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_class AS t ON t.oid = i.indrelid
JOIN pg_namespace AS n ON n.oid = t.relnamespace
CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
JOIN pg_attribute AS b ON b.attrelid = c.oid AND b.attnum = k.place
LEFT JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = k.attnum AND k.attnum <> 0
WHERE t.relkind IN ('r', 'p', 'm') AND t.relpersistence <> 't'
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
ORDER BY n.nspname COLLATE "C", t.relname COLLATE "C", c.relname COLLATE "C", k.place
