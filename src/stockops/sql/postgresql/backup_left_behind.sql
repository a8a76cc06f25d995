-- What backups of ours still hold on the server: sessions that stream, and replication slots.
SELECT
    'session ' || a.pid || ' (' || a.application_name || ')' AS name
FROM pg_stat_activity AS a
WHERE a.application_name LIKE 'stockops backup %%' AND a.backend_type = 'walsender'
UNION ALL
SELECT 'slot ' || s.slot_name
FROM pg_replication_slots AS s
WHERE s.slot_name LIKE 'stockops\_backup\_%%'
ORDER BY name
