-- What the table %(name)s, in SQL, is a partition of, and of which values; nothing where it is none.
SELECT
    quote_ident(n.nspname) || '.' || quote_ident(p.relname) AS parent,
    pg_get_expr(c.relpartbound, c.oid) AS bound
FROM pg_class AS c
JOIN pg_inherits AS i ON i.inhrelid = c.oid
JOIN pg_class AS p ON p.oid = i.inhparent
JOIN pg_namespace AS n ON n.oid = p.relnamespace
WHERE c.oid = %(name)s::text::regclass AND c.relispartition
ORDER BY parent
