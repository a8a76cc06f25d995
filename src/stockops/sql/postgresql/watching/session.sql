-- No question of a watcher takes longer than it says, and none is run by several workers.
SELECT set_config('statement_timeout', %(limit_ms)s::text, false), set_config('max_parallel_workers_per_gather', '0', false)
