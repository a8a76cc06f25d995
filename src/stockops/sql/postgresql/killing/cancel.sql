-- Cancel the statement that a session is running, if it is still that one.
SELECT pg_cancel_backend(pid)
FROM pg_stat_activity
WHERE pid = %(session_id)s AND backend_start = %(began)s::timestamptz AND state_change = %(mark)s::timestamptz
