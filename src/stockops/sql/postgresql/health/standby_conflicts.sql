-- Statements of this standby that were ended because they stood in the way of replay.
SELECT
    '' AS subject,
    coalesce(sum(d.conflicts), 0) AS value,
    NULL::bigint AS allowed,
    '' AS detail
FROM pg_stat_database AS d
