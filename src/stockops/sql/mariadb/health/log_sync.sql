-- Seconds spent on syncs of the binary log, and how many groups of commits waited for one; nothing without performance_schema.
-- The redo log is not timed by the server; where both are on one disk, the binary log tells of it.
SELECT
    '' AS subject,
    f.sum_timer_misc / 1e12 AS value,
    CAST(g.variable_value AS SIGNED) AS allowed,
    '' AS detail
FROM performance_schema.file_summary_by_event_name AS f
INNER JOIN information_schema.global_status AS g ON g.variable_name = 'BINLOG_GROUP_COMMITS'
WHERE f.event_name = 'wait/io/file/sql/binlog' AND f.count_misc > 0
ORDER BY f.event_name
