-- Pages found in shared buffers, of those asked for: counters, whose growth is compared. The system's cache is not seen.
SELECT
    '' AS subject,
    sum(d.blks_hit) AS value,
    sum(d.blks_hit + d.blks_read) AS allowed,
    '' AS detail
FROM pg_stat_database AS d
