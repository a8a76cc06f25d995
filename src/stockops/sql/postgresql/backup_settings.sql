-- The settings that decide what a backup is worth and what it takes to restore it.
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
ORDER BY s.name
