-- The columns of every table of the database, with what ANALYZE knows of them.
-- A column's own statistics are there after ANALYZE TABLE .. PERSISTENT FOR ALL, and to roles that may read mysql.column_stats.
SELECT
    c.table_schema AS schema_name,
    c.table_name AS table_name,
    c.column_name AS column_name,
    concat('`', replace(c.table_schema, '`', '``'), '`.`', replace(c.table_name, '`', '``'), '`') AS quoted_table,
    concat('`', replace(c.column_name, '`', '``'), '`') AS quoted_column,
    CASE
        WHEN c.column_type = 'tinyint(1)' THEN 'truth'
        WHEN c.data_type IN ('tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'decimal', 'float', 'double') THEN 'number'
        WHEN c.data_type IN ('char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext') THEN 'text'
        WHEN c.data_type IN ('date', 'datetime', 'timestamp') THEN 'time'
        ELSE 'other'
    END AS kind,
    c.is_nullable = 'YES' AS is_nullable,
    c.data_type NOT IN (
        'geometry', 'point', 'linestring', 'polygon', 'multipoint', 'multilinestring', 'multipolygon', 'geometrycollection'
    ) AS is_sortable,
    1 AS finds_beginnings,
    CASE WHEN c.data_type IN ('char', 'varchar') THEN CAST(c.character_maximum_length AS SIGNED) END AS chars_max,
    CAST(s.avg_length AS SIGNED) AS bytes_mean,
    CAST(t.table_rows / nullif(s.avg_frequency, 0) AS SIGNED) AS values_distinct,
    CAST(t.table_rows AS SIGNED) AS table_rows,
    coalesce(t.create_options LIKE '%%partitioned%%', 0) AS is_partitioned,
    c.is_generated <> 'NEVER' OR c.extra LIKE '%%auto_increment%%' AS is_generated
FROM information_schema.columns AS c
JOIN information_schema.tables AS t
    ON t.table_schema = c.table_schema AND t.table_name = c.table_name AND t.table_type = 'BASE TABLE'
LEFT JOIN mysql.column_stats AS s
    ON s.db_name = c.table_schema AND s.table_name = c.table_name AND s.column_name = c.column_name
WHERE c.table_schema = coalesce(database(), c.table_schema)
    AND c.table_schema NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema')
ORDER BY BINARY c.table_schema, BINARY c.table_name, c.ordinal_position
