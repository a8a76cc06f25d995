-- Transactions that were rolled back, and all.
SELECT
    '' AS subject,
    sum(d.xact_rollback) AS value,
    sum(d.xact_commit + d.xact_rollback) AS allowed,
    '' AS detail
FROM pg_stat_database AS d
