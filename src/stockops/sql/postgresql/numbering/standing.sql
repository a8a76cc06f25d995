-- Up to where this database may have given numbers to orders, and the largest there is; no row where it numbers none.
-- The log is written 32 numbers ahead, so a server that came from a log stands a little behind the last one given, or before.
-- Needs: USAGE or SELECT on event_ids.
SELECT
    coalesce(pg_sequence_last_value(s.seqrelid::regclass), s.seqstart - 1) AS last_id,
    s.seqmax AS last_possible_id
FROM pg_sequence AS s
WHERE s.seqrelid = to_regclass('public.event_ids')
