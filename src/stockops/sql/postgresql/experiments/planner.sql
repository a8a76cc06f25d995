-- The settings that the planner decides by, and the memory it counts on; no rights are needed.
SELECT
    s.name AS name,
    current_setting(s.name) AS value,
    s.setting IS NOT DISTINCT FROM s.boot_val AS is_default
FROM pg_settings AS s
WHERE
    s.category LIKE 'Query Tuning%%'
    OR s.name IN (
        'effective_io_concurrency', 'hash_mem_multiplier', 'max_parallel_workers', 'max_parallel_workers_per_gather',
        'shared_buffers', 'temp_buffers', 'work_mem'
    )
ORDER BY s.name COLLATE "C"
