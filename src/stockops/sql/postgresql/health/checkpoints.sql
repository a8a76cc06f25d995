-- Checkpoints that were asked for, by the size of the log or by somebody, and all: counters.
SELECT
    '' AS subject,
    b.checkpoints_req AS value,
    b.checkpoints_req + b.checkpoints_timed AS allowed,
    '' AS detail
FROM pg_stat_bgwriter AS b
ORDER BY b.stats_reset
