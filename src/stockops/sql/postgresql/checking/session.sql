-- Settings for reading whole tables, until the end of the transaction. Nested loops and merges are left out: the planner
-- guesses a row or two where a window or a HAVING gives thousands, and then compares each with every other.
SELECT
    set_config('work_mem', '64MB', true), set_config('enable_nestloop', 'off', true),
    set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true)
