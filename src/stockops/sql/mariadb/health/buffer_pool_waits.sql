-- How often somebody waited for a free page in the buffer pool.
SELECT
    '' AS subject,
    CAST(w.variable_value AS SIGNED) AS value,
    NULL AS allowed,
    '' AS detail
FROM information_schema.global_status AS w
WHERE w.variable_name = 'INNODB_BUFFER_POOL_WAIT_FREE'
ORDER BY w.variable_name
