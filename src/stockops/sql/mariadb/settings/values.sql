-- Every setting as a new session starts with it, where its value comes from, and whether a file can say it under this name.
SELECT
    LOWER(v.variable_name) AS name,
    v.global_value AS value,
    NULL AS unit,
    v.variable_type AS vartype,
    CASE WHEN v.read_only = 'YES' THEN 'restart' WHEN v.variable_scope = 'GLOBAL' THEN 'at once' ELSE 'new sessions' END AS context,
    v.global_value_origin AS source,
    v.enum_value_list AS choices,
    v.command_line_argument IS NOT NULL AS is_option
FROM information_schema.system_variables AS v
WHERE v.global_value IS NOT NULL
ORDER BY name
