-- Settings that were set while the server runs, so that a restart takes them back; not those that are states.
SELECT
    lower(v.variable_name) AS subject,
    1 AS value,
    NULL AS allowed,
    concat('set to ', left(v.global_value, 40), ' by SQL: a restart takes it back') AS detail
FROM information_schema.system_variables AS v
WHERE
    v.global_value_origin = 'SQL' AND v.variable_name NOT LIKE 'GTID%%'
    AND v.variable_name NOT IN ('READ_ONLY', 'SLOW_QUERY_LOG', 'LOG_SLOW_QUERY', 'GENERAL_LOG', 'SERVER_UID')
ORDER BY v.variable_name
LIMIT 20
