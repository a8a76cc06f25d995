-- Who holds the advisory lock under which migrations run.
-- Needs pg_monitor to see more than the pid of another user's session.
SELECT
    a.pid AS session_id,
    a.usename::text AS login,
    coalesce(host(a.client_addr), a.client_hostname, 'local') AS host,
    coalesce(to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), '?') AS since
FROM pg_catalog.pg_locks AS l
JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'advisory'
    AND l.granted
    AND l.objsubid = 1
    AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
    AND (l.classid::bigint << 32) | l.objid::bigint = %(lock_key)s
ORDER BY session_id
