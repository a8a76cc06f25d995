-- Bytes written to temporary files, because sorts and joins did not fit into work_mem; against effective_cache_size.
SELECT
    '' AS subject,
    sum(d.temp_bytes) AS value,
    pg_size_bytes(current_setting('effective_cache_size')) AS allowed,
    '' AS detail
FROM pg_stat_database AS d
