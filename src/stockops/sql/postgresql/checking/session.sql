-- Settings for reading whole tables, until the end of the transaction. Nested loops are left out: the planner guesses a row
-- or two where a window or a HAVING gives thousands, and then compares each with every other. Two sessions share the work,
-- and a parallel plan does more of it in all (seen on 18: a fifth more CPU for groups as many as rows).
SELECT
    set_config('work_mem', '128MB', true), set_config('enable_nestloop', 'off', true), set_config('jit', 'off', true),
    set_config('max_parallel_workers_per_gather', '0', true)
