-- What the server has counted since its start. FLUSH STATUS sets a few counters back, not those of InnoDB (seen on
-- 10.11): an hour of what was counted since the start is not to be divided by the time since then.
SELECT
    CONCAT('status.', LOWER(s.variable_name)) AS name,
    CAST(s.variable_value AS DOUBLE) AS value,
    CAST(
        CASE WHEN s.variable_name IN ('BINLOG_CACHE_DISK_USE', 'BINLOG_CACHE_USE', 'MAX_USED_CONNECTIONS') THEN f.variable_value
            ELSE u.variable_value
        END AS DOUBLE
    ) AS window_s,
    NULL AS hourly,
    '' AS note
FROM information_schema.global_status AS s
INNER JOIN information_schema.global_status AS u ON u.variable_name = 'UPTIME'
INNER JOIN information_schema.global_status AS f ON f.variable_name = 'UPTIME_SINCE_FLUSH_STATUS'
WHERE
    s.variable_name IN (
        'ABORTED_CLIENTS', 'BINLOG_CACHE_DISK_USE', 'BINLOG_CACHE_USE', 'CONNECTIONS', 'CONNECTION_ERRORS_MAX_CONNECTIONS',
        'CREATED_TMP_DISK_TABLES', 'CREATED_TMP_TABLES', 'INNODB_BUFFER_POOL_READS', 'INNODB_BUFFER_POOL_READ_REQUESTS',
        'INNODB_BUFFER_POOL_WAIT_FREE', 'INNODB_CHECKPOINT_AGE', 'INNODB_CHECKPOINT_MAX_AGE', 'INNODB_DEADLOCKS', 'INNODB_LOG_WAITS', 'INNODB_OS_LOG_WRITTEN', 'INNODB_ROW_LOCK_TIME',
        'INNODB_ROW_LOCK_WAITS', 'KEY_READ_REQUESTS', 'MAX_USED_CONNECTIONS', 'OPENED_TABLES', 'OPEN_TABLES', 'QCACHE_HITS',
        'SELECT_FULL_JOIN', 'SORT_MERGE_PASSES', 'THREADS_CONNECTED', 'THREADS_CREATED'
    )
ORDER BY name
