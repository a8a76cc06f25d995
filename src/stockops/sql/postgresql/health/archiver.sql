-- Seconds since something was archived, where the last attempt failed; else none.
SELECT
    '' AS subject,
    CASE
        WHEN a.last_failed_time > coalesce(a.last_archived_time, '-infinity')
            THEN extract(EPOCH FROM clock_timestamp() - coalesce(a.last_archived_time, a.stats_reset, a.last_failed_time))
        ELSE 0
    END AS value,
    NULL::bigint AS allowed,
    CASE
        WHEN a.last_failed_time > coalesce(a.last_archived_time, '-infinity')
            THEN 'archiving fails since ' || a.failed_count || ' attempts, last of ' || a.last_failed_wal
        ELSE 'archiving works'
    END AS detail
FROM pg_stat_archiver AS a
WHERE current_setting('archive_mode') <> 'off'
ORDER BY a.archived_count
