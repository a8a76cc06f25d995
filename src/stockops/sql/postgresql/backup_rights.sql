-- What the role lacks to take a backup by %(method)s: files are streamed to who may replicate, which no role passes on; of a
-- dump every table and sequence is read but those of extensions.
SELECT
    'REPLICATION' AS needed,
    'the server' AS place
FROM pg_roles AS r
WHERE r.rolname = current_user AND NOT r.rolsuper AND NOT r.rolreplication AND %(method)s = 'physical'
UNION ALL
SELECT
    'SELECT',
    format('%%I.%%I', n.nspname, c.relname)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE
    %(method)s = 'logical'
    AND c.relkind IN ('r', 'p', 'S')
    AND n.nspname NOT LIKE 'pg\_%%'
    AND n.nspname <> 'information_schema'
    AND NOT EXISTS (
        SELECT 1 FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
    )
    AND NOT CASE c.relkind WHEN 'S' THEN has_sequence_privilege(c.oid, 'SELECT') ELSE has_table_privilege(c.oid, 'SELECT') END
ORDER BY needed, place
