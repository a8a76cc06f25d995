-- The table %(name)s, in SQL, and all its partitions, however deep; nothing of a view and the like.
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS source
FROM (
    SELECT %(name)s::text::regclass AS it
    UNION
    SELECT t.relid FROM pg_partition_tree(%(name)s::text::regclass) AS t
) AS those
JOIN pg_class AS c ON c.oid = those.it AND c.relkind IN ('r', 'p')
JOIN pg_namespace AS n ON n.oid = c.relnamespace
ORDER BY source
