-- Tables that were not in the cache when asked for, and all.
SELECT
    '' AS subject,
    CAST(m.variable_value AS SIGNED) AS value,
    CAST(m.variable_value AS SIGNED) + CAST(h.variable_value AS SIGNED) AS allowed,
    '' AS detail
FROM information_schema.global_status AS m
INNER JOIN information_schema.global_status AS h ON h.variable_name = 'TABLE_OPEN_CACHE_HITS'
WHERE m.variable_name = 'TABLE_OPEN_CACHE_MISSES'
ORDER BY m.variable_name
