-- Statements that took longer than long_query_time.
SELECT
    '' AS subject,
    CAST(s.variable_value AS SIGNED) AS value,
    NULL AS allowed,
    '' AS detail
FROM information_schema.global_status AS s
WHERE s.variable_name = 'SLOW_QUERIES'
ORDER BY s.variable_name
