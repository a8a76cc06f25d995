-- How often each index was scanned since its counters began, and when last. Everybody may ask.
-- A unique index that only checks what is inserted is not scanned for that. PostgreSQL 16 knows the last time.
SELECT
    schemaname::text AS schema_name,
    relname::text AS table_name,
    indexrelname::text AS index_name,
    idx_scan AS scans,
    last_idx_scan AS last_used_at
FROM pg_stat_user_indexes
ORDER BY schemaname COLLATE "C", relname COLLATE "C", indexrelname COLLATE "C"
