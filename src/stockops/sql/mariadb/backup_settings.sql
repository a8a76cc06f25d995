-- The settings that decide what a backup is worth and what it takes to restore it.
SELECT
    LOWER(v.variable_name) AS name,
    v.variable_value AS value
FROM information_schema.global_variables AS v
WHERE
    v.variable_name IN (
        'LOG_BIN', 'BINLOG_FORMAT', 'SYNC_BINLOG', 'GTID_DOMAIN_ID', 'GTID_STRICT_MODE', 'SERVER_ID', 'LOG_BIN_BASENAME', 'DATADIR',
        'INNODB_CHECKSUM_ALGORITHM', 'INNODB_DATA_FILE_PATH', 'INNODB_DATA_HOME_DIR', 'INNODB_FLUSH_LOG_AT_TRX_COMMIT',
        'INNODB_LOG_FILE_SIZE', 'INNODB_LOG_GROUP_HOME_DIR', 'INNODB_PAGE_SIZE', 'INNODB_UNDO_DIRECTORY', 'INNODB_UNDO_TABLESPACES',
        'INNODB_ENCRYPT_TABLES', 'LOWER_CASE_TABLE_NAMES', 'BINLOG_EXPIRE_LOGS_SECONDS', 'BINLOG_CHECKSUM'
    )
ORDER BY name
