-- Joins that read a whole table because no index served.
SELECT
    '' AS subject,
    CAST(f.variable_value AS SIGNED) AS value,
    NULL AS allowed,
    '' AS detail
FROM information_schema.global_status AS f
WHERE f.variable_name = 'SELECT_FULL_JOIN'
ORDER BY f.variable_name
