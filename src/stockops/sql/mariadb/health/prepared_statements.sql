-- Prepared statements of all sessions, of those that the server allows.
SELECT
    '' AS subject,
    CAST(p.variable_value AS SIGNED) AS value,
    @@GLOBAL.max_prepared_stmt_count AS allowed,
    '' AS detail
FROM information_schema.global_status AS p
WHERE p.variable_name = 'PREPARED_STMT_COUNT'
ORDER BY p.variable_name
