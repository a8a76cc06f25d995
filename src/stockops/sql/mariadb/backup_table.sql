-- The columns of the table %(name)s of the database %(space)s, or this one, in order; a view counts, too. What is not exact is
-- compared byte by byte: to its collation, texts that differ can be the same.
SELECT
    concat('`', replace(c.table_name, '`', '``'), '`') AS source,
    c.table_schema AS space,
    c.column_name AS name,
    concat('`', replace(c.column_name, '`', '``'), '`') AS quoted,
    c.data_type IN (
        'tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'decimal', 'float', 'double', 'date', 'time', 'datetime',
        'timestamp', 'year', 'bit', 'uuid', 'inet4', 'inet6'
    ) AS exact,
    c.is_generated = 'ALWAYS' AS generated,
    coalesce(c.column_default LIKE 'nextval(%%', false) AS from_sequence,
    k.seq_in_index AS key_position
FROM information_schema.columns AS c
LEFT JOIN information_schema.statistics AS k
    ON
        k.table_schema = c.table_schema AND k.table_name = c.table_name AND k.column_name = c.column_name
        AND k.index_name = 'PRIMARY'
WHERE c.table_schema = coalesce(%(space)s, database()) AND BINARY c.table_name = BINARY %(name)s
ORDER BY c.ordinal_position
