-- The oldest open transactions of clients, without this one. Needs pg_read_all_stats for those of others.
SELECT
    a.pid::text AS subject,
    extract(EPOCH FROM clock_timestamp() - a.xact_start) AS value,
    NULL::bigint AS allowed,
    concat_ws(' ', a.usename, a.application_name, a.state) AS detail
FROM pg_stat_activity AS a
WHERE a.backend_type = 'client backend' AND a.pid <> pg_backend_pid() AND a.xact_start IS NOT NULL
ORDER BY a.xact_start, a.pid
LIMIT 10
