-- What the files of this database are that are not the server's own: a table, an index or the TOAST of one, a sequence; of a
-- partition also what it is a partition of. The log knows them by these paths alone.
SELECT
    pg_relation_filepath(c.oid) AS path,
    CASE
        WHEN c.relkind = 'S' THEN 'sequence of ' || named.name
        WHEN c.relkind = 'i' THEN 'index of ' || coalesce(owner.name, named.name)
        WHEN n.nspname = 'pg_toast' THEN 'toast of ' || coalesce(owner.name, named.name)
        WHEN c.relispartition THEN named.name || coalesce(' of ' || root.name, '')
        ELSE named.name
    END AS name
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name) AS named
LEFT JOIN pg_index AS i ON i.indexrelid = c.oid
LEFT JOIN pg_class AS t ON t.reltoastrelid = CASE WHEN c.relkind = 'i' THEN i.indrelid ELSE c.oid END AND t.reltoastrelid <> 0
LEFT JOIN LATERAL (
    SELECT quote_ident(m.nspname) || '.' || quote_ident(o.relname) AS name
    FROM pg_class AS o
    JOIN pg_namespace AS m ON m.oid = o.relnamespace
    WHERE o.oid = coalesce(t.oid, i.indrelid)
) AS owner ON true
LEFT JOIN LATERAL (
    SELECT quote_ident(m.nspname) || '.' || quote_ident(o.relname) AS name
    FROM pg_class AS o
    JOIN pg_namespace AS m ON m.oid = o.relnamespace
    WHERE c.relispartition AND c.relkind = 'r' AND o.oid = pg_partition_root(c.oid)
) AS root ON true
WHERE
    c.relkind IN ('r', 'm', 'i', 't', 'S') AND c.relpersistence <> 't' AND pg_relation_filepath(c.oid) IS NOT NULL
    AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND c.oid >= 16384
ORDER BY path
