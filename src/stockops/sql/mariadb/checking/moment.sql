-- Where the binary log was at the snapshot of this transaction: two that say the same see the same. Empty where it is off.
SELECT coalesce(group_concat(variable_value ORDER BY variable_name SEPARATOR ' '), '') AS moment
FROM information_schema.session_status
WHERE variable_name IN ('BINLOG_SNAPSHOT_FILE', 'BINLOG_SNAPSHOT_POSITION') AND variable_value <> ''
