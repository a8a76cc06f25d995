-- The settings that decide what a backup is worth and what it takes to restore it, and who made the cluster: whoever
-- starts it elsewhere must know a name that it lets in.
SELECT
    s.name AS name,
    current_setting(s.name) AS value
FROM pg_settings AS s
WHERE
    s.name IN (
        'data_checksums', 'wal_level', 'archive_mode', 'summarize_wal', 'full_page_writes', 'fsync', 'block_size', 'wal_block_size',
        'wal_segment_size', 'data_directory', 'config_file', 'hba_file', 'server_encoding', 'lc_collate', 'shared_preload_libraries',
        'max_connections', 'max_worker_processes', 'max_wal_senders', 'max_prepared_transactions', 'max_locks_per_transaction'
    )
UNION ALL
SELECT
    'superuser' AS name,
    r.rolname AS value
FROM pg_roles AS r
WHERE r.oid = 10
ORDER BY name
