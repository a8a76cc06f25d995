-- Whole months after this one for which a table has partitions, where one more is open, up to MAXVALUE; none once rows are in that.
-- How many there are is the server's estimate, and nothing is read.
SELECT
    t.subject,
    CASE WHEN t.open_rows > 0 THEN least(t.months, 0) ELSE t.months END AS value,
    NULL AS allowed,
    concat(
        'the last with an end ends on ', t.until,
        CASE WHEN t.open_rows > 0 THEN concat(', and about ', t.open_rows, ' rows are in ', t.open_name) ELSE '' END
    ) AS detail
FROM (
    SELECT
        p.subject,
        max(p.ends_on) AS until,
        period_diff(extract(YEAR_MONTH FROM max(p.ends_on)), extract(YEAR_MONTH FROM curdate())) - 1 AS months,
        sum(CASE WHEN p.is_open THEN p.table_rows ELSE 0 END) AS open_rows,
        max(CASE WHEN p.is_open THEN p.partition_name END) AS open_name
    FROM (
        SELECT
            concat(p.table_schema, '.', p.table_name) AS subject,
            p.partition_name,
            p.table_rows,
            CASE
                WHEN p.partition_description = 'MAXVALUE' THEN NULL
                WHEN p.partition_method LIKE 'RANGE COLUMNS' THEN CAST(trim(BOTH '''' FROM p.partition_description) AS DATE)
                WHEN p.partition_expression LIKE 'to\_days(%%' THEN from_days(p.partition_description)
                WHEN p.partition_expression LIKE 'unix\_timestamp(%%' THEN date(from_unixtime(p.partition_description))
            END AS ends_on,
            p.partition_description = 'MAXVALUE' AS is_open
        FROM information_schema.partitions AS p
        WHERE
            p.partition_method LIKE 'RANGE%%'
            AND p.table_schema NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')
    ) AS p
    GROUP BY p.subject
    HAVING max(p.is_open) = 1 AND max(p.ends_on) IS NOT NULL
) AS t
ORDER BY value, t.subject
LIMIT 20
