-- Is the server at work for one session? No row: it has none of that number.
-- Own sessions show their state to every role; of others it is NULL without pg_read_all_stats.
SELECT state = 'active' AS is_active
FROM pg_stat_activity
WHERE pid = %(session_id)s
ORDER BY pid
