-- Temporary tables of statements that went to disk, and all.
SELECT
    '' AS subject,
    CAST(d.variable_value AS SIGNED) AS value,
    CAST(a.variable_value AS SIGNED) AS allowed,
    '' AS detail
FROM information_schema.global_status AS d
INNER JOIN information_schema.global_status AS a ON a.variable_name = 'CREATED_TMP_TABLES'
WHERE d.variable_name = 'CREATED_TMP_DISK_TABLES'
ORDER BY d.variable_name
