-- Transactions that went through a file on their way to the binary log, and all.
SELECT
    '' AS subject,
    CAST(d.variable_value AS SIGNED) AS value,
    CAST(u.variable_value AS SIGNED) AS allowed,
    '' AS detail
FROM information_schema.global_status AS d
INNER JOIN information_schema.global_status AS u ON u.variable_name = 'BINLOG_CACHE_USE'
WHERE d.variable_name = 'BINLOG_CACHE_DISK_USE'
ORDER BY d.variable_name
