-- How far the build of an index is that a session is at, in percent of its phase.
SELECT
    p.phase AS phase,
    CASE
        WHEN p.blocks_total > 0 THEN 100 * p.blocks_done / p.blocks_total
        WHEN p.tuples_total > 0 THEN 100 * p.tuples_done / p.tuples_total
        WHEN p.lockers_total > 0 THEN 100 * p.lockers_done / p.lockers_total
    END::int AS percent
FROM pg_stat_progress_create_index AS p
WHERE p.pid = %(builder_id)s
ORDER BY phase
