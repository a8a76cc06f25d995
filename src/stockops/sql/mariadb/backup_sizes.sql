-- How large the rows of every table are, those of its partitions included. InnoDB estimates it.
SELECT
    t.table_name AS table_name,
    CAST(coalesce(t.data_length, 0) AS SIGNED) AS data_bytes
FROM information_schema.tables AS t
WHERE t.table_schema = database() AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')
ORDER BY BINARY t.table_name
