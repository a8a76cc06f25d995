-- The statements of clients that have run longest, without this one; not replication, not what the server does by itself.
SELECT
    CAST(p.id AS CHAR) AS subject,
    p.time_ms / 1000 AS value,
    NULL AS allowed,
    concat_ws(' ', p.user, p.state) AS detail
FROM information_schema.processlist AS p
WHERE
    p.id <> connection_id() AND p.command NOT IN ('Sleep', 'Daemon', 'Binlog Dump', 'Slave_IO', 'Slave_SQL', 'Slave_worker')
    AND p.user NOT IN ('system user', 'event_scheduler')
ORDER BY p.time_ms DESC, p.id
LIMIT 10
