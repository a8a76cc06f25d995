-- Workers of autovacuum that are busy, of those there may be.
SELECT
    '' AS subject,
    count(*) AS value,
    current_setting('autovacuum_max_workers')::bigint AS allowed,
    '' AS detail
FROM pg_stat_activity AS a
WHERE a.backend_type = 'autovacuum worker'
