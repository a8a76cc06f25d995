-- Every table and its comment.
SELECT
    table_name,
    coalesce(create_options LIKE '%%partitioned%%', 0) AS partitioned,
    table_comment AS comment
FROM information_schema.tables
WHERE table_schema = database() AND table_type = 'BASE TABLE'
ORDER BY BINARY table_name
