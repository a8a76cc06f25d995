-- The slow statements that ended in a span of time, from the table mysql.slow_log, the last ones first.
-- Needs SELECT on mysql.slow_log, which has no index: it is read whole. start_time is when a statement began.
SELECT
    coalesce(db, '') AS database_name,
    CAST(time_to_sec(query_time) * 1000000 AS SIGNED) AS duration_us,
    CAST(rows_sent + rows_affected AS SIGNED) AS row_count,
    CONVERT(sql_text USING utf8mb4) AS sql_text
FROM mysql.slow_log
WHERE addtime(start_time, query_time) > %(after_at)s AND addtime(start_time, query_time) <= %(until_at)s
    AND thread_id <> connection_id()
ORDER BY start_time DESC, thread_id
LIMIT %(row_limit)s
