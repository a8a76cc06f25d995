-- Every setting: what a new session begins with. MariaDB writes nothing down: what SET GLOBAL says is gone at the next start.
SELECT
    LOWER(v.variable_name) AS name,
    v.global_value AS value,
    NULL AS of_system,
    NULL AS of_database,
    CASE
        WHEN v.variable_type LIKE '%%INT%%' OR v.variable_type = 'DOUBLE' THEN 'number'
        ELSE 'text'
    END AS form
FROM information_schema.system_variables AS v
WHERE v.global_value IS NOT NULL
ORDER BY name
