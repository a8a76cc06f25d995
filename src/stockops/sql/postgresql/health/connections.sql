-- Sessions of clients, of those that the server allows to others than superusers. To a role without pg_read_all_stats the kind
-- of other users' sessions is not shown, only that they are there.
SELECT
    '' AS subject,
    count(*) FILTER (WHERE a.usesysid IS NOT NULL AND coalesce(a.backend_type, 'client backend') = 'client backend') AS value,
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS allowed,
    count(*) FILTER (WHERE a.state = 'active') || ' active, '
    || count(*) FILTER (WHERE a.state LIKE 'idle in transaction%%') || ' idle in a transaction' AS detail
FROM pg_stat_activity AS a
