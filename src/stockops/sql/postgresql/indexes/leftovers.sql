-- What a REINDEX CONCURRENTLY that did not end left behind, of tables and of their TOAST. Everybody may ask.
-- A lock of builders on the table says that it may still be at work: VACUUM takes the same one.
SELECT
    n.nspname::text AS schema_name,
    t.relname::text AS table_name,
    c.relname::text AS index_name,
    format('%%I.%%I', n.nspname, c.relname) AS quoted_index,
    pg_relation_size(c.oid) AS size_bytes,
    EXISTS (
        SELECT 1
        FROM pg_locks AS l
        WHERE l.relation = i.indrelid AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted
            AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
    ) AS is_being_built
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_class AS t ON t.oid = i.indrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND c.relkind = 'i' AND c.relname ~ '_cc(new|old)[0-9]*$'
ORDER BY n.nspname COLLATE "C", t.relname COLLATE "C", c.relname COLLATE "C"
