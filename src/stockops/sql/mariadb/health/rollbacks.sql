-- ROLLBACK statements, and all that end a transaction; what commits by itself is not counted.
SELECT
    '' AS subject,
    CAST(r.variable_value AS SIGNED) AS value,
    CAST(r.variable_value AS SIGNED) + CAST(c.variable_value AS SIGNED) AS allowed,
    '' AS detail
FROM information_schema.global_status AS r
INNER JOIN information_schema.global_status AS c ON c.variable_name = 'COM_COMMIT'
WHERE r.variable_name = 'COM_ROLLBACK'
ORDER BY r.variable_name
