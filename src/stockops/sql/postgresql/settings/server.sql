-- Where the server is and since when, who asks, and what that role may not see.
SELECT
    current_user AS role,
    current_database() AS database,
    extract(EPOCH FROM a.backend_start)::float8 AS session_started_s,
    extract(EPOCH FROM pg_postmaster_start_time())::float8 AS started_s,
    pg_has_role(current_user, 'pg_read_all_settings', 'USAGE') AS sees_settings,
    CASE
        WHEN pg_has_role(current_user, 'pg_read_all_settings', 'USAGE') THEN current_setting('data_directory')
    END AS data_directory
FROM pg_stat_activity AS a
WHERE a.pid = pg_backend_pid()
