-- Whether an id of event_ids that is stored proves that all smaller ones were drawn before, on this server, in transactions
-- that can be seen here: false on a standby, and where sessions keep ids for later.
SELECT
    count(*) FILTER (WHERE s.seqcache = 1 AND s.seqincrement > 0 AND NOT s.seqcycle) = 1 AND NOT pg_is_in_recovery() AS in_order
FROM pg_sequence AS s
WHERE s.seqrelid = to_regclass('public.event_ids')
