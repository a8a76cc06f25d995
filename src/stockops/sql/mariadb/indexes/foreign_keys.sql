-- Every foreign key of the tables of this database, or of all where the session is in none; columns as a JSON array, in order.
SELECT
    table_schema AS schema_name,
    table_name AS table_name,
    concat('`', replace(table_schema, '`', '``'), '`.`', replace(table_name, '`', '``'), '`') AS quoted_table,
    constraint_name AS constraint_name,
    concat('[', group_concat(json_quote(column_name) COLLATE utf8mb4_bin ORDER BY ordinal_position SEPARATOR ', '), ']') AS columns,
    group_concat(concat('`', replace(column_name, '`', '``'), '`') ORDER BY ordinal_position SEPARATOR ', ') AS quoted_columns,
    referenced_table_schema AS to_schema,
    referenced_table_name AS to_table,
    concat('[', group_concat(json_quote(referenced_column_name) COLLATE utf8mb4_bin ORDER BY ordinal_position SEPARATOR ', '), ']') AS to_columns
FROM information_schema.key_column_usage
WHERE referenced_table_name IS NOT NULL
    AND table_schema = coalesce(database(), table_schema)
    AND table_schema NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema')
GROUP BY table_schema, table_name, constraint_name, referenced_table_schema, referenced_table_name
ORDER BY BINARY table_schema, BINARY table_name, BINARY constraint_name
