-- Seconds waited for locks of rows, and how many waits.
SELECT
    '' AS subject,
    CAST(t.variable_value AS SIGNED) / 1000 AS value,
    CAST(w.variable_value AS SIGNED) AS allowed,
    '' AS detail
FROM information_schema.global_status AS t
INNER JOIN information_schema.global_status AS w ON w.variable_name = 'INNODB_ROW_LOCK_WAITS'
WHERE t.variable_name = 'INNODB_ROW_LOCK_TIME'
ORDER BY t.variable_name
