-- Sessions of clients, of those that the server allows to others than superusers.
SELECT
    '' AS subject,
    count(*) FILTER (WHERE a.backend_type = 'client backend') AS value,
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS allowed,
    count(*) FILTER (WHERE a.state = 'active') || ' active, '
    || count(*) FILTER (WHERE a.state LIKE 'idle in transaction%%') || ' idle in a transaction' AS detail
FROM pg_stat_activity AS a
