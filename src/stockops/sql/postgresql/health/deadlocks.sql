-- Deadlocks that the server has broken since its statistics began.
SELECT
    '' AS subject,
    sum(d.deadlocks) AS value,
    NULL::bigint AS allowed,
    '' AS detail
FROM pg_stat_database AS d
