-- How far the ALTER TABLE is that a session is at, in percent of its stage. Needs PROCESS where it is another account's.
SELECT coalesce(p.state, '') AS phase, CAST(p.progress AS SIGNED) AS percent
FROM information_schema.processlist AS p
WHERE p.id = %(builder_id)s AND p.command = 'Query'
ORDER BY phase
