-- Deadlocks that InnoDB has broken since the server's start.
SELECT
    '' AS subject,
    CAST(s.variable_value AS UNSIGNED) AS value,
    NULL AS allowed,
    '' AS detail
FROM information_schema.global_status AS s
WHERE s.variable_name = 'INNODB_DEADLOCKS'
ORDER BY s.variable_name
