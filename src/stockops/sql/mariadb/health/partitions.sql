-- Days from now to the end of the last partition of each table partitioned by date; not of one whose last has no end.
SELECT
    e.subject,
    datediff(max(e.ends_on), curdate()) AS value,
    NULL AS allowed,
    '' AS detail
FROM (
    SELECT
        concat(p.table_schema, '.', p.table_name) AS subject,
        CASE
            WHEN p.partition_method LIKE 'RANGE COLUMNS' THEN CAST(trim(BOTH '''' FROM p.partition_description) AS DATE)
            WHEN p.partition_expression LIKE 'to\_days(%%' THEN from_days(p.partition_description)
            WHEN p.partition_expression LIKE 'unix\_timestamp(%%' THEN date(from_unixtime(p.partition_description))
        END AS ends_on,
        p.partition_description = 'MAXVALUE' AS is_open
    FROM information_schema.partitions AS p
    WHERE
        p.partition_method LIKE 'RANGE%%' AND p.table_schema NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')
) AS e
GROUP BY e.subject
HAVING max(e.is_open) = 0 AND max(e.ends_on) IS NOT NULL
ORDER BY value, e.subject
LIMIT 20
