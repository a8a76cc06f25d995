-- What the role lacks to make a table in the schema %(space)s, or public, and to hold it against the table %(name)s there. A
-- schema that is not there lacks nothing: that is found out by its table.
SELECT
    'CREATE' AS needed,
    'the schema ' || quote_ident(n.nspname) AS place
FROM pg_namespace AS n
WHERE n.nspname = coalesce(%(space)s::text, 'public') AND NOT has_schema_privilege(n.oid, 'CREATE')
UNION ALL
SELECT
    'SELECT',
    quote_ident(n.nspname) || '.' || quote_ident(c.relname)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE
    c.relname = %(name)s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND CASE WHEN %(space)s::text IS NULL THEN n.nspname = ANY (current_schemas(false)) ELSE n.nspname = %(space)s::text END
    AND NOT has_table_privilege(c.oid, 'SELECT')
ORDER BY needed
