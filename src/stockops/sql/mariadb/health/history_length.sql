-- Changes of which the old versions are not purged yet.
SELECT
    '' AS subject,
    CAST(h.variable_value AS SIGNED) AS value,
    NULL AS allowed,
    '' AS detail
FROM information_schema.global_status AS h
WHERE h.variable_name = 'INNODB_HISTORY_LIST_LENGTH'
ORDER BY h.variable_name
