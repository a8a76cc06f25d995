-- How each partition of one table is built: where it begins, the columns that rows are copied by, how it is stored, the tables it
-- refers to, and why it is not split. `refused` is empty where nothing speaks against it. Everybody may ask.
-- What stands on a partition alone would be gone with it: a new one gets what stands on its table, the grants and how it is stored.
SELECT
    n.nspname::text AS part_schema,
    c.relname::text AS part_name,
    substring(b.bound FROM 'FROM \(''(\d{4}-\d\d-\d\d)')::date AS starts_on,
    (
        SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
        FROM pg_attribute AS a
        WHERE a.attrelid = p.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    ) AS stored_columns,
    coalesce(' WITH (' || array_to_string(c.reloptions, ', ') || ')', '')
    || coalesce(' TABLESPACE ' || quote_ident(s.spcname), '') AS options,
    coalesce((
        SELECT string_agg(DISTINCT quote_ident(rn.nspname) || '.' || quote_ident(r.relname), ', ')
        FROM pg_constraint AS f
        JOIN pg_class AS r ON r.oid = f.confrelid
        JOIN pg_namespace AS rn ON rn.oid = r.relnamespace
        WHERE f.conrelid = p.oid AND f.contype = 'f'
    ), '') AS refers_to,
    CASE
        WHEN c.relkind = 'p' THEN 'it has partitions of its own'
        WHEN c.relkind <> 'r' THEN 'it is a foreign table'
        WHEN c.relpersistence <> 'p' THEN 'it is unlogged'
        WHEN c.relrowsecurity THEN 'it has row security of its own'
        WHEN b.bound !~ '^FOR VALUES FROM \((MINVALUE|''\d{4}-\d\d-\d\d( 00:00:00)?'')\) TO \((MAXVALUE|''\d{4}-\d\d-\d\d( 00:00:00)?'')\)$'
            THEN 'it does not begin and end with a day: ' || b.bound
        ELSE coalesce('these stand on it alone: ' || (
            SELECT string_agg(o.name, ', ' ORDER BY o.name)
            FROM (
                SELECT 'index ' || x.indexrelid::regclass::text AS name
                FROM pg_index AS x
                WHERE x.indrelid = c.oid AND NOT EXISTS (SELECT FROM pg_inherits AS xi WHERE xi.inhrelid = x.indexrelid)
                UNION ALL
                SELECT 'constraint ' || k.conname
                FROM pg_constraint AS k
                WHERE k.conrelid = c.oid AND k.contype IN ('c', 'f') AND k.coninhcount = 0 AND k.conparentid = 0
                UNION ALL
                SELECT 'foreign key ' || k.conname || ' of ' || k.conrelid::regclass::text
                FROM pg_constraint AS k
                WHERE k.confrelid = c.oid AND k.contype = 'f' AND k.conparentid = 0
                UNION ALL
                SELECT 'trigger ' || t.tgname
                FROM pg_trigger AS t
                WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgparentid = 0
                UNION ALL
                SELECT 'publication ' || u.pubname
                FROM pg_publication_rel AS ur
                JOIN pg_publication AS u ON u.oid = ur.prpubid
                WHERE ur.prrelid = c.oid
                UNION ALL
                SELECT 'replica identity' WHERE c.relreplident <> 'd'
                UNION ALL
                SELECT 'grants on column ' || a.attname
                FROM pg_attribute AS a
                WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL
            ) AS o
        ), '')
    END AS refused
FROM pg_inherits AS i
JOIN pg_class AS c ON c.oid = i.inhrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_class AS p ON p.oid = i.inhparent
JOIN pg_namespace AS pn ON pn.oid = p.relnamespace
LEFT JOIN pg_tablespace AS s ON s.oid = c.reltablespace
CROSS JOIN LATERAL (SELECT pg_get_expr(c.relpartbound, c.oid) AS bound) AS b
WHERE pn.nspname = %(schema_name)s AND p.relname = %(table_name)s AND NOT i.inhdetachpending
ORDER BY starts_on NULLS FIRST, part_name
