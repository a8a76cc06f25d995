-- Redo log since the last checkpoint, of what InnoDB lets it become before writers wait.
SELECT
    '' AS subject,
    CAST(a.variable_value AS SIGNED) AS value,
    CAST(m.variable_value AS SIGNED) AS allowed,
    '' AS detail
FROM information_schema.global_status AS a
INNER JOIN information_schema.global_status AS m ON m.variable_name = 'INNODB_CHECKPOINT_MAX_AGE'
WHERE a.variable_name = 'INNODB_CHECKPOINT_AGE'
ORDER BY a.variable_name
