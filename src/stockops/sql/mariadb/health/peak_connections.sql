-- The most sessions there were at once since the counters began, of those that the server allows.
SELECT
    '' AS subject,
    CAST(m.variable_value AS SIGNED) AS value,
    @@GLOBAL.max_connections AS allowed,
    '' AS detail
FROM information_schema.global_status AS m
WHERE m.variable_name = 'MAX_USED_CONNECTIONS'
ORDER BY m.variable_name
