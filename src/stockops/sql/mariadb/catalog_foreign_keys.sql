-- Every foreign key: its columns, and the table and columns it points at, as lists with commas.
SELECT
    table_name,
    group_concat(column_name ORDER BY ordinal_position SEPARATOR ',') AS columns,
    referenced_table_name AS to_table,
    group_concat(referenced_column_name ORDER BY ordinal_position SEPARATOR ',') AS to_columns
FROM information_schema.key_column_usage
WHERE table_schema = database() AND referenced_table_name IS NOT NULL
GROUP BY constraint_name, table_name, referenced_table_name
ORDER BY BINARY table_name, columns, to_table
