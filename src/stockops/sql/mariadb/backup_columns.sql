-- Every column of every table of this database that holds rows, in order. Of a table with system versioning the old rows
-- count, too.
SELECT
    t.table_name AS table_name,
    concat(
        '`', replace(t.table_name, '`', '``'), '`', IF(t.table_type = 'SYSTEM VERSIONED', ' FOR SYSTEM_TIME ALL', '')
    ) AS source,
    t.table_name IS NULL AS unlogged,
    t.engine = 'InnoDB' AS transactional,
    c.column_name AS column_name,
    concat('`', replace(c.column_name, '`', '``'), '`') AS quoted,
    c.column_type AS type,
    c.data_type AS family,
    c.is_nullable = 'YES' AS nullable
FROM information_schema.tables AS t
-- The schema twice: a join of the two reads every schema there is.
JOIN information_schema.columns AS c ON c.table_schema = database() AND c.table_name = t.table_name
WHERE t.table_schema = database() AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')
ORDER BY BINARY t.table_name, c.ordinal_position
