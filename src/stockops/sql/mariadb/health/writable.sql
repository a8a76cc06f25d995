-- 1 where nothing may be written although the server replicates from nobody.
SELECT
    '' AS subject,
    CASE WHEN @@GLOBAL.read_only AND r.variable_value = '0' THEN 1 ELSE 0 END AS value,
    NULL AS allowed,
    CASE
        WHEN NOT @@GLOBAL.read_only THEN 'it takes writes'
        WHEN r.variable_value = '0' THEN 'read_only is on, and it replicates from nobody: nothing may be written'
        ELSE 'a replica, which takes no writes'
    END AS detail
FROM information_schema.global_status AS r
WHERE r.variable_name = 'SLAVES_RUNNING'
ORDER BY r.variable_name
