-- Seconds since the server started.
SELECT
    '' AS subject,
    CAST(u.variable_value AS SIGNED) AS value,
    NULL AS allowed,
    '' AS detail
FROM information_schema.global_status AS u
WHERE u.variable_name = 'UPTIME'
ORDER BY u.variable_name
