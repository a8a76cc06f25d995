-- How often indexes were scanned in this transaction, of a statement that calls a function of a user: what that reads is in no
-- plan. Zero for a statement that calls none, since planning scans indexes, too. No rights are needed.
SELECT coalesce(sum(pg_stat_get_xact_numscans(c.oid)), 0)::bigint AS scans
FROM pg_class AS c
WHERE
    c.relkind = 'i'
    AND c.relname = ANY (%(names)s::text[])
    AND EXISTS (
        SELECT 1
        FROM pg_proc AS p
        JOIN pg_namespace AS n ON n.oid = p.pronamespace
        WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND position(p.proname || '(' IN replace(%(sql)s::text, '"', '')) > 0
    )
