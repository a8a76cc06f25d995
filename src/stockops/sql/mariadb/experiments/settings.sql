-- Every setting as this session has it (`value`), as it would be put back (`kept`), and what a change of it takes.
-- SET takes numbers without a unit, and words in quotes. The buffer pool changes its size behind the statement that says
-- so, and would do it during the load: a restart has it changed before.
SELECT
    LOWER(v.variable_name) AS name,
    COALESCE(v.session_value, v.global_value) AS value,
    v.global_value AS kept,
    CASE
        WHEN v.read_only = 'YES' AND v.command_line_argument IS NULL THEN 'never'
        WHEN v.read_only = 'YES' OR v.variable_name = 'INNODB_BUFFER_POOL_SIZE' THEN 'restart'
        WHEN v.variable_scope = 'GLOBAL' THEN 'reload'
        ELSE 'new sessions'
    END AS takes,
    CASE
        WHEN v.variable_type LIKE '%%INT%%' OR v.variable_type = 'DOUBLE' THEN 'number'
        ELSE 'text'
    END AS form
FROM information_schema.system_variables AS v
WHERE v.global_value IS NOT NULL
ORDER BY name
