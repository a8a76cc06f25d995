-- Sessions that were refused because max_connections was reached.
SELECT
    '' AS subject,
    CAST(c.variable_value AS SIGNED) AS value,
    NULL AS allowed,
    '' AS detail
FROM information_schema.global_status AS c
WHERE c.variable_name = 'CONNECTION_ERRORS_MAX_CONNECTIONS'
ORDER BY c.variable_name
