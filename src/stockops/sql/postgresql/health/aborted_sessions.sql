-- Sessions that ended by an error, by an administrator or because the client went, since the statistics began.
SELECT
    '' AS subject,
    sum(d.sessions_fatal + d.sessions_killed + d.sessions_abandoned) AS value,
    NULL::bigint AS allowed,
    '' AS detail
FROM pg_stat_database AS d
