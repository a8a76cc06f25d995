-- The columns of the table %(name)s of the schema %(space)s, or of all that need no name, in order; a view counts, too. What
-- is not exact is compared as text: its type has no equality, or one that is looser than what is stored.
SELECT
    quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS source,
    quote_ident(n.nspname) AS space,
    a.attname::text AS name,
    quote_ident(a.attname) AS quoted,
    b.typname IN ('int2', 'int4', 'int8', 'bool', 'date', 'timestamp', 'timestamptz', 'uuid', 'bytea') AS exact,
    a.attgenerated <> '' AS generated,
    EXISTS (
        SELECT 1
        FROM pg_attrdef AS d
        JOIN pg_depend AS e ON e.classid = 'pg_attrdef'::regclass AND e.objid = d.oid AND e.refclassid = 'pg_class'::regclass
        JOIN pg_class AS s ON s.oid = e.refobjid AND s.relkind = 'S'
        WHERE d.adrelid = c.oid AND d.adnum = a.attnum
    ) AS from_sequence,
    array_position(k.indkey::int2 [], a.attnum) AS key_position
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type AS t ON t.oid = a.atttypid
JOIN pg_type AS b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
LEFT JOIN pg_index AS k ON k.indrelid = c.oid AND k.indisprimary
WHERE
    c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND c.relname = %(name)s
    AND CASE WHEN %(space)s::text IS NULL THEN n.nspname = ANY (current_schemas(false)) ELSE n.nspname = %(space)s::text END
ORDER BY source, a.attnum
