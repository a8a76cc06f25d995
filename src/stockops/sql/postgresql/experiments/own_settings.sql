-- What the server was given by its files, ALTER SYSTEM included. What a database or a role is given goes with the data.
-- Needs: to be a superuser, for pg_file_settings.
SELECT
    s.name AS name,
    coalesce(s.reset_val, '') AS value
FROM pg_settings AS s
WHERE
    s.context <> 'internal'
    AND (s.source = 'configuration file' OR s.name IN (SELECT f.name FROM pg_file_settings AS f WHERE f.applied))
ORDER BY s.name
