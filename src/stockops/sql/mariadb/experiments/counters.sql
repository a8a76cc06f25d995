-- What the server has counted since its start that a load moves: bytes of its redo log and of its binary log.
-- Both count over rotations, which positions in a file do not (seen on 10.11).
SELECT
    CASE s.variable_name
        WHEN 'BINLOG_BYTES_WRITTEN' THEN 'binlog_bytes'
        ELSE 'redo_bytes'
    END AS name,
    CAST(s.variable_value AS SIGNED) AS value
FROM information_schema.global_status AS s
WHERE s.variable_name IN ('BINLOG_BYTES_WRITTEN', 'INNODB_OS_LOG_WRITTEN')
ORDER BY name
