-- What the session that holds the migration lock calls itself.
-- Needs pg_monitor to see it of another user's session.
SELECT a.application_name AS application
FROM pg_catalog.pg_stat_activity AS a
WHERE a.pid = %(session_id)s
ORDER BY a.application_name
