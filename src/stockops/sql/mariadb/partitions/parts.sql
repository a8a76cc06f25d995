-- Every partition of every table of this database that is partitioned into ranges of one date: RANGE COLUMNS of a DATE or DATETIME, or
-- RANGE of TO_DAYS. `is_open` is the one up to MAXVALUE.
SELECT
    p.table_schema AS schema_name,
    p.table_name AS table_name,
    c.column_name AS column_name,
    CASE WHEN p.partition_method = 'RANGE COLUMNS' THEN 'date' ELSE 'to_days' END AS kind,
    p.table_schema AS part_schema,
    p.partition_name AS part_name,
    CASE
        WHEN p.partition_description = 'MAXVALUE' THEN NULL
        WHEN p.partition_method = 'RANGE COLUMNS' THEN CAST(trim(BOTH '''' FROM p.partition_description) AS DATE)
        ELSE from_days(p.partition_description)
    END AS ends_on,
    CASE WHEN p.partition_description = 'MAXVALUE' THEN 1 ELSE 0 END AS is_open,
    0 AS is_default,
    '' AS owner_name
FROM information_schema.partitions AS p
JOIN information_schema.columns AS c
    ON c.table_schema = p.table_schema
    AND c.table_name = p.table_name
    AND c.data_type IN ('date', 'datetime')
    AND replace(lower(p.partition_expression), '`', '') IN (lower(c.column_name), concat('to_days(', lower(c.column_name), ')'))
WHERE p.table_schema = database() AND p.partition_method IN ('RANGE', 'RANGE COLUMNS')
ORDER BY p.table_schema, p.table_name, p.partition_ordinal_position
