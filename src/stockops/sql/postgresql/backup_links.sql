-- Tablespaces outside the data directory.
SELECT
    t.oid::text AS name,
    pg_tablespace_location(t.oid) AS path
FROM pg_tablespace AS t
WHERE pg_tablespace_location(t.oid) <> ''
ORDER BY t.oid
