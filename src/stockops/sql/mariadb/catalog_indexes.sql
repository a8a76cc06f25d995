-- Every index, keys included: columns in order, as a list with commas.
SELECT
    table_name,
    group_concat(column_name ORDER BY seq_in_index SEPARATOR ',') AS columns,
    max(non_unique) = 0 AS is_unique,
    index_name = 'PRIMARY' AS is_primary
FROM information_schema.statistics
WHERE table_schema = database()
GROUP BY table_name, index_name
ORDER BY BINARY table_name, columns, is_primary DESC, is_unique DESC
