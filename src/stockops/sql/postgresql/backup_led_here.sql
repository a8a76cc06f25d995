-- What DROP ... CASCADE of the table %(name)s takes along, as statements that make it again: foreign keys of other tables, then
-- views, those that read other views last. Reads catalogues only; views come with their rights, owned by who makes them.
WITH RECURSIVE reading AS (
    SELECT v.ev_class AS view, 1 AS depth
    FROM pg_depend AS d
    JOIN pg_rewrite AS v ON v.oid = d.objid
    WHERE
        d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
        AND d.refobjid = %(name)s::text::regclass AND v.ev_class <> d.refobjid
    UNION
    SELECT v.ev_class, r.depth + 1
    FROM reading AS r
    JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = r.view
    JOIN pg_rewrite AS v ON v.oid = d.objid
    WHERE v.ev_class <> d.refobjid
)

SELECT
    0 AS depth,
    c.conname::text AS name,
    format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s;', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid)) AS said
FROM pg_constraint AS c
WHERE c.contype = 'f' AND c.confrelid = %(name)s::text::regclass AND c.conrelid <> c.confrelid AND c.conparentid = 0
UNION ALL
SELECT
    r.depth,
    c.relname::text,
    format(
        'CREATE %%s %%s%%s AS%%s%%s',
        CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END,
        c.oid::regclass,
        ' WITH (' || array_to_string(c.reloptions, ', ') || ')',
        E'\n' || pg_get_viewdef(c.oid),
        (
            SELECT
                string_agg(
                    format(
                        E'\nGRANT %%s ON %%s TO %%s;',
                        a.privilege_type, c.oid::regclass, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
                    ),
                    '' ORDER BY a.grantee, a.privilege_type
                )
            FROM aclexplode(c.relacl) AS a
            WHERE a.grantee <> c.relowner
        )
    )
FROM (SELECT view, max(depth) AS depth FROM reading GROUP BY view) AS r
JOIN pg_class AS c ON c.oid = r.view AND c.relkind IN ('v', 'm')
ORDER BY depth, name
