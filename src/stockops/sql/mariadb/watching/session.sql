-- No question of a watcher takes longer than it says.
SET SESSION max_statement_time = %(limit_ms)s / 1000, SESSION long_query_time = 3600
