-- Sessions that have slept for more than an hour, and transactions in which nothing runs. An error without PROCESS.
SELECT
    v.name AS name,
    CASE v.name WHEN 'sessions.asleep_over_1h' THEN s.asleep WHEN 'sessions.all' THEN s.connected ELSE s.open_asleep END AS value,
    NULL AS window_s,
    NULL AS hourly,
    '' AS note
FROM (
    SELECT
        COUNT(*) AS connected,
        COALESCE(SUM(p.command = 'Sleep' AND p.time > 3600), 0) AS asleep,
        COALESCE(SUM(p.command = 'Sleep' AND t.trx_id IS NOT NULL), 0) AS open_asleep
    FROM information_schema.processlist AS p
    LEFT JOIN information_schema.innodb_trx AS t ON t.trx_mysql_thread_id = p.id
) AS s
CROSS JOIN (
    SELECT 'sessions.all' AS name
    UNION ALL
    SELECT 'sessions.asleep_over_1h' AS name
    UNION ALL
    SELECT 'sessions.asleep_in_transaction' AS name
) AS v
ORDER BY name
