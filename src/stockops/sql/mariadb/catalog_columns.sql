-- Every column of every table, in order, its type named as the same kind is on every engine.
-- JSON is LONGTEXT with a check of the column's own name; BOOLEAN is TINYINT(1).
SELECT
    c.table_name AS table_name,
    c.column_name AS column_name,
    CASE
        WHEN c.column_type = 'tinyint(1)' THEN 'boolean'
        WHEN c.data_type IN ('varchar', 'char')
            THEN concat(c.data_type, '(', c.character_maximum_length, ')')
        WHEN c.data_type = 'longtext' AND EXISTS (
            SELECT 1
            FROM information_schema.check_constraints AS k
            WHERE k.constraint_schema = c.table_schema
                AND k.table_name = c.table_name
                AND k.constraint_name = c.column_name
                AND k.check_clause LIKE 'json_valid(%%'
        ) THEN 'json'
        WHEN c.data_type IN ('text', 'mediumtext', 'longtext') THEN 'text'
        WHEN c.data_type IN ('datetime', 'timestamp') THEN 'timestamp'
        WHEN c.data_type = 'decimal'
            THEN concat('numeric(', c.numeric_precision, ',', c.numeric_scale, ')')
        WHEN c.data_type IN ('binary', 'varbinary', 'blob', 'mediumblob', 'longblob') THEN 'binary'
        ELSE c.data_type
    END AS family,
    c.is_nullable = 'YES' AS nullable,
    c.is_generated <> 'NEVER' AS generated,
    c.column_comment AS comment
FROM information_schema.columns AS c
JOIN information_schema.tables AS t
    ON t.table_schema = c.table_schema AND t.table_name = c.table_name
WHERE c.table_schema = database() AND t.table_type = 'BASE TABLE'
ORDER BY BINARY c.table_name, c.ordinal_position
