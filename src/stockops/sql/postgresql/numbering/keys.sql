-- The tables that number their rows by a sequence of 64 bits of their own, and up to where they may have done so. Those that keep
-- the history of migrations are left out: nobody outside is told their numbers.
-- The log is written 32 numbers ahead, so a server that came from a log stands a little behind the last one given, or before.
-- Needs: USAGE or SELECT on the sequences.
SELECT
    t.relname::text AS table_name,
    format('%%I.%%I', n.nspname, c.relname) AS counter,
    coalesce(pg_sequence_last_value(c.oid::regclass), s.seqstart - 1) AS last_id,
    s.seqmax AS last_possible_id
FROM pg_sequence AS s
JOIN pg_class AS c ON c.oid = s.seqrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_depend AS d ON d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
JOIN pg_class AS t ON t.oid = d.refobjid
WHERE n.nspname = 'public' AND s.seqtypid = 'bigint'::regtype AND s.seqincrement > 0 AND t.relname NOT LIKE 'stockops\_%%'
ORDER BY table_name, counter
