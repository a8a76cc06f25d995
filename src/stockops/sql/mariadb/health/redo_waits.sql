-- How often the buffer of the log was full and somebody waited.
SELECT
    '' AS subject,
    CAST(w.variable_value AS SIGNED) AS value,
    NULL AS allowed,
    '' AS detail
FROM information_schema.global_status AS w
WHERE w.variable_name = 'INNODB_LOG_WAITS'
ORDER BY w.variable_name
