-- What the server was given while it ran, where an option file can say it, too. What its file said is in the file.
SELECT
    LOWER(v.variable_name) AS name,
    v.global_value AS value
FROM information_schema.system_variables AS v
WHERE v.global_value_origin = 'SQL' AND v.read_only = 'NO' AND v.command_line_argument IS NOT NULL
ORDER BY name
