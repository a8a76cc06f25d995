-- Every session of the server but this one: who, since when, what it runs, what it waits for.
-- Needs pg_read_all_stats; without it, sessions of others are hidden: their query says so, and the rest of them is NULL.
-- `began` and `mark` are one session and one statement (or one pause) of it: neither is ever the same again. `spared` says why a
-- session is not to be ended. Processes of the server that work in no database are left out.
SELECT
    a.pid AS session_id,
    coalesce(a.backend_start::text, '') AS began,
    coalesce(a.state_change::text, '') AS mark,
    coalesce(a.usename::text, '') AS login,
    coalesce(a.datname::text, '') AS database_name,
    coalesce(a.application_name, '') AS application,
    CASE
        WHEN a.query = '<insufficient privilege>' THEN 'hidden'
        WHEN a.state IN ('active', 'fastpath function call') THEN 'active'
        WHEN a.state IN ('idle in transaction', 'idle in transaction (aborted)') THEN 'idle in transaction'
        WHEN a.state = 'idle' THEN 'idle'
        WHEN a.backend_type <> 'client backend' THEN 'active'
        ELSE 'not known'
    END AS state,
    CASE
        WHEN a.state = 'active' AND a.wait_event IS NOT NULL THEN a.wait_event_type || ': ' || a.wait_event
        ELSE ''
    END AS wait,
    (extract(epoch FROM clock_timestamp() - a.query_start) * 1000)::bigint AS statement_ms,
    (extract(epoch FROM clock_timestamp() - a.xact_start) * 1000)::bigint AS transaction_ms,
    (extract(epoch FROM clock_timestamp() - a.state_change) * 1000)::bigint AS state_ms,
    r.rolsuper AS is_privileged,
    CASE
        WHEN a.backend_type = 'walsender' THEN 'it sends the log to a replica, an archive or a backup'
        WHEN a.backend_type = 'autovacuum worker' AND a.query LIKE '%%(to prevent wraparound)%%'
            THEN 'it is the autovacuum that prevents wraparound'
        WHEN a.backend_type <> 'client backend' THEN 'it is a process of the server: ' || a.backend_type
        WHEN a.application_name ~ '^(stockops (backup|archive|migrate)|pg_dump|pg_dumpall|pg_restore|pg_basebackup)'
            THEN 'it is a backup, a restore or a migration: ' || a.application_name
    END AS spared,
    coalesce(a.query, '') AS sql_text
FROM pg_stat_activity AS a
LEFT JOIN pg_roles AS r ON r.oid = a.usesysid
WHERE a.pid <> pg_backend_pid() AND (a.datid IS NOT NULL OR a.backend_type = 'walsender')
ORDER BY a.pid
