-- The statements of clients that have run longest, without this one.
SELECT
    a.pid::text AS subject,
    extract(EPOCH FROM clock_timestamp() - a.query_start) AS value,
    NULL::bigint AS allowed,
    concat_ws(' ', a.usename, a.application_name, a.wait_event_type) AS detail
FROM pg_stat_activity AS a
WHERE a.backend_type = 'client backend' AND a.pid <> pg_backend_pid() AND a.state IN ('active', 'fastpath function call')
ORDER BY a.query_start, a.pid
LIMIT 10
