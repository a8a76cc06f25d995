-- The server's clock, and how long all statements of sessions have taken, those of routines not counted again.
-- Needs SELECT on performance_schema. A TRUNCATE of the digests leaves no date.
SELECT
    CAST(now(6) AS CHAR) AS at,
    0 AS evictions,
    '' AS reset_at,
    (
        SELECT CAST(sum(e.sum_timer_wait) DIV 1000000 AS SIGNED)
        FROM performance_schema.events_statements_summary_global_by_event_name AS e
        WHERE e.event_name LIKE 'statement/sql/%%' OR e.event_name LIKE 'statement/com/%%' OR e.event_name LIKE 'statement/abstract/%%'
    ) AS busy_us
