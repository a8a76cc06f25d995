-- The indexes of every table of the database. A primary key becomes a plain index under a name of its own.
SELECT
    table_name AS table_name,
    CASE index_name WHEN 'PRIMARY' THEN concat(table_name, '_pk') ELSE index_name END AS index_name,
    group_concat(column_name ORDER BY seq_in_index SEPARATOR ', ') AS column_names
FROM information_schema.statistics
WHERE table_schema = database()
GROUP BY table_name, index_name
ORDER BY table_name, index_name
