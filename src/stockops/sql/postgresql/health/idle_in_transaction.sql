-- The sessions that have idled longest within a transaction.
SELECT
    a.pid::text AS subject,
    extract(EPOCH FROM clock_timestamp() - a.state_change) AS value,
    NULL::bigint AS allowed,
    concat_ws(' ', a.usename, a.application_name) AS detail
FROM pg_stat_activity AS a
WHERE a.state LIKE 'idle in transaction%%'
ORDER BY a.state_change, a.pid
LIMIT 10
