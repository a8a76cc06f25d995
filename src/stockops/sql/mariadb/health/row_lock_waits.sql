-- Waits for locks of rows since the server's start.
SELECT
    '' AS subject,
    CAST(w.variable_value AS SIGNED) AS value,
    NULL AS allowed,
    '' AS detail
FROM information_schema.global_status AS w
WHERE w.variable_name = 'INNODB_ROW_LOCK_WAITS'
ORDER BY w.variable_name
