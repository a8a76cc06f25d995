-- Every index of the database's own tables, with what it is bound to and the statement that makes it again.
-- No rights are needed. A partitioned index is a row, and so is each of its parts, which names it as its parent.
-- pg_get_indexdef leaves out the tablespace, the comment and the statistics target, and pg_get_constraintdef the options: they
-- are in `first_sql` and `then_sql`. `options` are those that change what an index of its method can do. What a CREATE INDEX
-- CONCURRENTLY of now has not finished is told by the lock that it holds on the table.
SELECT
    n.nspname::text AS schema_name,
    t.relname::text AS table_name,
    c.relname::text AS index_name,
    format('%%I.%%I', n.nspname, t.relname) AS quoted_table,
    format('%%I.%%I', n.nspname, c.relname) AS quoted_index,
    m.amname::text AS method,
    (
        SELECT coalesce(string_agg(o.option_name || '=' || o.option_value, ' ' ORDER BY o.option_name), '')
        FROM pg_options_to_table(c.reloptions) AS o
        WHERE o.option_name NOT IN ('fillfactor', 'deduplicate_items', 'buffering', 'fastupdate', 'autosummarize')
    ) AS options,
    pg_get_expr(i.indpred, i.indrelid, true) AS predicate,
    i.indisunique AS is_unique,
    i.indisprimary AS is_primary,
    i.indisexclusion AS is_exclusion,
    i.indnullsnotdistinct AS nulls_not_distinct,
    i.indimmediate AS is_immediate,
    x.conname::text AS constraint_name,
    CASE
        WHEN NOT i.indislive THEN 'half dropped'
        WHEN NOT i.indisready THEN 'half built'
        WHEN NOT i.indisvalid THEN 'invalid'
        ELSE 'valid'
    END AS state,
    NOT i.indisvalid AND EXISTS (
        SELECT 1
        FROM pg_locks AS l
        WHERE l.relation = i.indrelid AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted
            AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
    ) AS is_being_built,
    c.relkind = 'I' AS is_partitioned,
    quote_ident(pn.nspname) || '.' || quote_ident(p.relname) AS parent,
    i.indisreplident AS is_replica_identity,
    i.indisclustered AS is_clustered,
    EXISTS (SELECT 1 FROM pg_constraint AS f WHERE f.conindid = i.indexrelid AND f.contype = 'f') AS is_referenced,
    CASE WHEN s.spcname IS NOT NULL THEN format('SET default_tablespace = %%I', s.spcname) END AS first_sql,
    CASE
        WHEN x.oid IS NULL THEN pg_get_indexdef(i.indexrelid)
        ELSE format(
            'ALTER TABLE %%s%%I.%%I ADD CONSTRAINT %%I %%s',
            CASE WHEN c.relkind = 'I' THEN 'ONLY ' END, n.nspname, t.relname, x.conname, pg_get_constraintdef(x.oid)
        )
    END AS definition,
    concat_ws(
        E';\n',
        CASE WHEN s.spcname IS NOT NULL THEN 'RESET default_tablespace' END,
        CASE
            WHEN x.oid IS NOT NULL AND c.reloptions IS NOT NULL
                THEN format('ALTER INDEX %%I.%%I SET (%%s)', n.nspname, c.relname, array_to_string(c.reloptions, ', '))
        END,
        (
            SELECT string_agg(
                format('ALTER INDEX %%I.%%I ALTER COLUMN %%s SET STATISTICS %%s', n.nspname, c.relname, a.attnum, a.attstattarget),
                E';\n' ORDER BY a.attnum
            )
            FROM pg_attribute AS a
            WHERE a.attrelid = c.oid AND a.attstattarget >= 0
        ),
        'COMMENT ON INDEX ' || format('%%I.%%I', n.nspname, c.relname) || ' IS ' || quote_literal(obj_description(c.oid, 'pg_class')),
        'COMMENT ON CONSTRAINT ' || quote_ident(x.conname) || format(' ON %%I.%%I IS ', n.nspname, t.relname)
        || quote_literal(obj_description(x.oid, 'pg_constraint'))
    ) AS then_sql
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_class AS t ON t.oid = i.indrelid
JOIN pg_namespace AS n ON n.oid = t.relnamespace
JOIN pg_am AS m ON m.oid = c.relam
LEFT JOIN pg_constraint AS x ON x.conindid = i.indexrelid AND x.contype IN ('p', 'u', 'x') AND x.conrelid = i.indrelid
LEFT JOIN pg_tablespace AS s ON s.oid = c.reltablespace AND c.reltablespace <> 0
LEFT JOIN pg_inherits AS h ON h.inhrelid = c.oid
LEFT JOIN pg_class AS p ON p.oid = h.inhparent
LEFT JOIN pg_namespace AS pn ON pn.oid = p.relnamespace
WHERE
    t.relkind IN ('r', 'p', 'm') AND t.relpersistence <> 't'
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
    AND NOT EXISTS (
        SELECT 1 FROM pg_depend AS e WHERE e.classid = 'pg_class'::regclass AND e.objid = t.oid AND e.deptype = 'e'
    )
ORDER BY n.nspname COLLATE "C", t.relname COLLATE "C", c.relname COLLATE "C"
