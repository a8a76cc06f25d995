-- Pages that InnoDB found in its buffer pool, of those asked for: counters, whose growth is compared.
SELECT
    '' AS subject,
    CAST(a.variable_value AS SIGNED) - CAST(r.variable_value AS SIGNED) AS value,
    CAST(a.variable_value AS SIGNED) AS allowed,
    '' AS detail
FROM information_schema.global_status AS a
INNER JOIN information_schema.global_status AS r ON r.variable_name = 'INNODB_BUFFER_POOL_READS'
WHERE a.variable_name = 'INNODB_BUFFER_POOL_READ_REQUESTS'
ORDER BY a.variable_name
