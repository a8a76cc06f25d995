-- Which settings decide what a throughput means: durability first, then memory.
SELECT
    s.name AS name,
    current_setting(s.name) AS value
FROM pg_settings AS s
WHERE
    s.name IN (
        'fsync', 'synchronous_commit', 'full_page_writes', 'wal_sync_method', 'data_checksums', 'wal_level',
        'synchronous_standby_names', 'shared_buffers', 'max_wal_size', 'max_connections'
    )
ORDER BY s.name
