-- How many settings have a value in a file that only a restart gives them.
SELECT
    'pending.settings' AS name,
    count(*)::float8 AS value,
    NULL::float8 AS window_s,
    NULL::float8 AS hourly,
    coalesce(string_agg(s.name, ', ' ORDER BY s.name), '') AS note
FROM pg_settings AS s
WHERE s.pending_restart
