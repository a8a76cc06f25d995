-- Whose each table of this database is, and each partition, but the server's own.
SELECT
    quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name,
    r.rolname::text AS owner
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_roles AS r ON r.oid = c.relowner
WHERE
    c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND c.oid >= 16384
ORDER BY name
