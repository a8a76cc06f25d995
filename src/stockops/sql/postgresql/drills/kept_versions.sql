-- How many old versions of rows are kept, because a snapshot may still ask for them.
SELECT n_dead_tup AS n
FROM pg_stat_user_tables
WHERE relname = 'drill_churn'
