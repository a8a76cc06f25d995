-- Is the server at work for one session? No row: it has none of that number.
-- Own sessions are shown to every account; those of others need PROCESS.
SELECT command <> 'Sleep' AS is_active
FROM information_schema.processlist
WHERE id = %(session_id)s
ORDER BY id
