-- How many settings were set at run time, and are gone at the next start unless a file says them, too.
SELECT
    'pending.settings' AS name,
    COUNT(*) AS value,
    NULL AS window_s,
    NULL AS hourly,
    COALESCE(GROUP_CONCAT(LOWER(v.variable_name) ORDER BY v.variable_name SEPARATOR ', '), '') AS note
FROM information_schema.system_variables AS v
WHERE v.global_value_origin = 'SQL' AND v.read_only = 'NO'
