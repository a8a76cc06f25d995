-- Whether a row that changed since the snapshot is refused (error 1020) or overwritten, at REPEATABLE READ.
SET SESSION innodb_snapshot_isolation = %(is_on)s
