-- Who holds the named lock under which migrations run.
-- Needs PROCESS to see more than the number of another user's session.
-- TIME counts from the last command of the session: the holder sends none while it holds.
SELECT
    held.session_id,
    coalesce(p.user, '?') AS login,
    coalesce(p.host, '?') AS host,
    coalesce(
        date_format(utc_timestamp() - INTERVAL p.time SECOND, '%%Y-%%m-%%d %%H:%%i:%%s'), '?'
    ) AS since
FROM (SELECT is_used_lock(%(lock_name)s) AS session_id) AS held
LEFT JOIN information_schema.processlist AS p ON p.id = held.session_id
WHERE held.session_id IS NOT NULL
ORDER BY held.session_id
