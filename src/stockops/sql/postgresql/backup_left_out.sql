-- Tables that come back empty from a physical backup; a dump holds their rows.
SELECT
    n.nspname || '.' || c.relname AS name,
    'unlogged: it comes back empty' AS why,
    false AS dumped
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relpersistence = 'u' AND c.relkind IN ('r', 'p', 'm')
ORDER BY n.nspname, c.relname
