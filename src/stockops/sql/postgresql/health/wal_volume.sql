-- Bytes in pg_wal, of what max_wal_size and wal_keep_size ask for. Needs pg_monitor.
SELECT
    '' AS subject,
    coalesce(sum(w.size), 0) AS value,
    pg_size_bytes(current_setting('max_wal_size')) + pg_size_bytes(current_setting('wal_keep_size')) AS allowed,
    '' AS detail
FROM pg_ls_waldir() AS w
