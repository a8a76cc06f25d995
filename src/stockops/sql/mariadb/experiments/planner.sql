-- The settings that the optimiser decides by, and the memory it counts on; no rights are needed.
SELECT
    lower(v.variable_name) AS name,
    v.global_value AS value,
    v.global_value <=> v.default_value AS is_default
FROM information_schema.system_variables AS v
WHERE
    v.global_value IS NOT NULL
    AND (
        v.variable_name LIKE 'OPTIMIZER%%' AND v.variable_name NOT LIKE 'OPTIMIZER_TRACE%%'
        OR v.variable_name IN (
            'EQ_RANGE_INDEX_DIVE_LIMIT', 'INNODB_BUFFER_POOL_SIZE', 'INNODB_STATS_PERSISTENT_SAMPLE_PAGES',
            'JOIN_BUFFER_SIZE', 'JOIN_CACHE_LEVEL', 'MAX_HEAP_TABLE_SIZE', 'READ_RND_BUFFER_SIZE', 'SORT_BUFFER_SIZE',
            'TMP_TABLE_SIZE', 'USE_STAT_TABLES'
        )
    )
ORDER BY v.variable_name
