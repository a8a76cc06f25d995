-- What each session but this one is at, briefly. Needs pg_read_all_stats: sessions of others are hidden without.
SELECT
    a.pid AS session_id,
    coalesce(a.usename::text, '') AS login,
    coalesce(a.datname::text, '') AS database_name,
    CASE
        WHEN a.query = '<insufficient privilege>' THEN 'hidden'
        WHEN a.state IN ('active', 'fastpath function call') THEN 'active'
        WHEN a.state = 'disabled' THEN 'not known'
        ELSE 'idle'
    END AS state,
    CASE WHEN a.state = 'active' AND a.wait_event IS NOT NULL THEN a.wait_event_type || ': ' || a.wait_event ELSE '' END AS wait,
    (extract(epoch FROM clock_timestamp() - a.query_start) * 1000)::bigint AS statement_ms,
    a.query_id::text AS text_key,
    coalesce(a.query, '') AS sql_text
FROM pg_stat_activity AS a
WHERE a.pid <> pg_backend_pid() AND a.usesysid IS NOT NULL AND coalesce(a.backend_type, 'client backend') = 'client backend'
    AND a.state IS DISTINCT FROM 'idle'
ORDER BY a.pid
