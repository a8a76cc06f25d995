-- Names that a new partition of one table cannot have: relations and types of the schemas that its partitions are in. Everybody may ask.
WITH homes AS (
    SELECT DISTINCT c.relnamespace
    FROM pg_inherits AS i
    JOIN pg_class AS c ON c.oid = i.inhrelid
    JOIN pg_class AS p ON p.oid = i.inhparent
    JOIN pg_namespace AS n ON n.oid = p.relnamespace
    WHERE n.nspname = %(schema_name)s AND p.relname = %(table_name)s
)
SELECT c.relname::text AS name
FROM pg_class AS c
JOIN homes AS h ON h.relnamespace = c.relnamespace
UNION
SELECT t.typname::text
FROM pg_type AS t
JOIN homes AS h ON h.relnamespace = t.typnamespace
ORDER BY name
