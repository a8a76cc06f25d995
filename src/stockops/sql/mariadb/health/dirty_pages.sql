-- Pages of the buffer pool that are yet to be written, of all that hold data.
SELECT
    '' AS subject,
    CAST(d.variable_value AS SIGNED) AS value,
    CAST(t.variable_value AS SIGNED) AS allowed,
    '' AS detail
FROM information_schema.global_status AS d
INNER JOIN information_schema.global_status AS t ON t.variable_name = 'INNODB_BUFFER_POOL_PAGES_TOTAL'
WHERE d.variable_name = 'INNODB_BUFFER_POOL_PAGES_DIRTY'
ORDER BY d.variable_name
