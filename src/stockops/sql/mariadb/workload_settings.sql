-- Which settings decide what a throughput means: durability first, then memory.
SELECT
    LOWER(v.variable_name) AS name,
    v.variable_value AS value
FROM information_schema.global_variables AS v
WHERE
    v.variable_name IN (
        'INNODB_FLUSH_LOG_AT_TRX_COMMIT', 'SYNC_BINLOG', 'LOG_BIN', 'BINLOG_FORMAT', 'INNODB_DOUBLEWRITE',
        'INNODB_FLUSH_METHOD', 'INNODB_CHECKSUM_ALGORITHM', 'INNODB_BUFFER_POOL_SIZE', 'INNODB_LOG_FILE_SIZE', 'MAX_CONNECTIONS'
    )
ORDER BY name
