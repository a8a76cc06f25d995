-- Where the server keeps its data, its log and its certificate, whom it listens to, and what time it is there.
-- Needs pg_monitor to see the paths; without it they are NULL.
SELECT
    clock_timestamp() AS now,
    extract(EPOCH FROM pg_postmaster_start_time())::float8 AS started_s,
    extract(EPOCH FROM a.backend_start)::float8 AS session_started_s,
    CASE WHEN m.sees THEN current_setting('data_directory') END AS data_directory,
    CASE WHEN m.sees THEN current_setting('data_directory') || '/pg_wal' END AS changes_directory,
    CASE WHEN m.sees THEN pg_current_logfile() END AS log_file,
    current_setting('listen_addresses') AS listens,
    current_setting('ssl') = 'on' AS has_tls,
    CASE WHEN m.sees THEN current_setting('ssl_cert_file') END AS certificate_file,
    NULL::text AS certificate_until
FROM pg_stat_activity AS a
CROSS JOIN (SELECT pg_has_role(current_user, 'pg_monitor', 'USAGE') AS sees) AS m
WHERE a.pid = pg_backend_pid()
