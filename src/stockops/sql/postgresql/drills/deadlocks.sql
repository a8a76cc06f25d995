-- How many deadlocks the server has counted since its counters began.
SELECT sum(deadlocks)::bigint AS n
FROM pg_stat_database
