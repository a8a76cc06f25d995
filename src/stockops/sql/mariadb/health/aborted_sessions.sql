-- Logins that failed and sessions that ended without saying so.
SELECT
    '' AS subject,
    CAST(c.variable_value AS SIGNED) + CAST(k.variable_value AS SIGNED) AS value,
    NULL AS allowed,
    '' AS detail
FROM information_schema.global_status AS c
INNER JOIN information_schema.global_status AS k ON k.variable_name = 'ABORTED_CLIENTS'
WHERE c.variable_name = 'ABORTED_CONNECTS'
ORDER BY c.variable_name
