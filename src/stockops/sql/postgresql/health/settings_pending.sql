-- Settings that were changed in a file and wait for a restart.
SELECT
    s.name AS subject,
    1 AS value,
    NULL::bigint AS allowed,
    'changed, and waits for a restart' AS detail
FROM pg_settings AS s
WHERE s.pending_restart
ORDER BY s.name
LIMIT 20
