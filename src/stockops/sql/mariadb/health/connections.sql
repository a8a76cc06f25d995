-- Sessions, of those that the server allows.
SELECT
    '' AS subject,
    CAST(c.variable_value AS UNSIGNED) AS value,
    @@GLOBAL.max_connections AS allowed,
    concat(r.variable_value, ' running') AS detail
FROM information_schema.global_status AS c
INNER JOIN information_schema.global_status AS r ON r.variable_name = 'THREADS_RUNNING'
WHERE c.variable_name = 'THREADS_CONNECTED'
ORDER BY c.variable_name
