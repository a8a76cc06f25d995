-- The binary logs and their sizes; needs BINLOG MONITOR.
SHOW BINARY LOGS
