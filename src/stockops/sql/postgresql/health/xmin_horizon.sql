-- Who holds back the oldest rows: sessions, slots and prepared transactions, by age in transactions; of autovacuum_freeze_max_age.
SELECT
    h.subject,
    h.value,
    current_setting('autovacuum_freeze_max_age')::bigint AS allowed,
    '' AS detail
FROM (
    SELECT 'session ' || a.pid AS subject, age(a.backend_xmin) AS value
    FROM pg_stat_activity AS a
    WHERE a.backend_xmin IS NOT NULL AND a.pid <> pg_backend_pid()
    UNION ALL
    SELECT 'slot ' || s.slot_name, greatest(age(s.xmin), age(s.catalog_xmin))
    FROM pg_replication_slots AS s
    WHERE s.xmin IS NOT NULL OR s.catalog_xmin IS NOT NULL
    UNION ALL
    SELECT 'prepared transaction ' || p.gid, age(p.transaction)
    FROM pg_prepared_xacts AS p
) AS h
ORDER BY h.value DESC, h.subject
LIMIT 10
