-- End a session, if it is still at the same statement, or pauses since the same instant.
SELECT pg_terminate_backend(pid)
FROM pg_stat_activity
WHERE pid = %(session_id)s AND backend_start = %(began)s::timestamptz AND state_change = %(mark)s::timestamptz
