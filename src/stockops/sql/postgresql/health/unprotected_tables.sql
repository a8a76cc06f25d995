-- Tables that are empty after a crash.
SELECT
    c.oid::regclass::text AS subject,
    1 AS value,
    NULL::bigint AS allowed,
    'is unlogged: empty after a crash, and on every standby' AS detail
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'u' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
ORDER BY subject
LIMIT 20
