-- Checkpoints that were asked for, by the size of the log or by somebody, and all: counters. From 17 on of pg_stat_checkpointer.
SELECT
    '' AS subject,
    c.num_requested AS value,
    c.num_requested + c.num_timed AS allowed,
    '' AS detail
FROM pg_stat_checkpointer AS c
ORDER BY c.stats_reset
