-- Files that the server has open, of those it may.
SELECT
    '' AS subject,
    CAST(o.variable_value AS SIGNED) AS value,
    @@GLOBAL.open_files_limit AS allowed,
    '' AS detail
FROM information_schema.global_status AS o
WHERE o.variable_name = 'OPEN_FILES'
ORDER BY o.variable_name
