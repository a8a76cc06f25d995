-- What each index holds, in its order, without the primary key that InnoDB adds at the end of every other one.
-- An index of MariaDB has no expressions, operator classes or collations of its own; it may hold the beginning of a text alone.
SELECT
    s.table_schema AS schema_name,
    s.table_name AS table_name,
    s.index_name AS index_name,
    CAST(s.seq_in_index AS SIGNED) AS place,
    1 AS is_key,
    s.column_name AS column_name,
    s.column_name AS expression,
    coalesce(s.collation = 'D', 0) AS is_descending,
    coalesce(s.collation, 'A') <> 'D' AS is_nulls_first,
    '' AS operators,
    '' AS collation_name,
    1 AS is_own_collation,
    CAST(s.sub_part AS SIGNED) AS prefix_chars,
    s.nullable = 'YES' AS is_nullable,
    c.column_name IS NOT NULL AS is_counter
FROM information_schema.statistics AS s
LEFT JOIN (
    SELECT table_schema, table_name, column_name
    FROM information_schema.columns
    WHERE extra LIKE '%%auto_increment%%' AND table_schema = coalesce(database(), table_schema)
) AS c ON c.table_schema = s.table_schema AND c.table_name = s.table_name AND c.column_name = s.column_name
WHERE s.table_schema = coalesce(database(), s.table_schema)
    AND s.table_schema NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema')
ORDER BY BINARY s.table_schema, BINARY s.table_name, BINARY s.index_name, s.seq_in_index
