-- Who keeps a session waiting right now.
-- Needs pg_monitor to see what other users run.
SELECT
    b.pid AS session_id,
    coalesce(b.usename::text, '?') AS login,
    coalesce(b.application_name, '?') AS application,
    coalesce(b.state, '?') AS state,
    coalesce(b.query, '?') AS last_sql
FROM unnest(pg_catalog.pg_blocking_pids(%(waiting_id)s)) AS blocking (pid)
JOIN pg_catalog.pg_stat_activity AS b ON b.pid = blocking.pid
ORDER BY session_id
