-- How many connections the server takes, how many of them it keeps for superusers, and how many are in use.
SELECT
    current_setting('max_connections')::integer AS connections_max,
    current_setting('superuser_reserved_connections')::integer
    + COALESCE(current_setting('reserved_connections', true), '0')::integer AS reserved,
    -- To a role without pg_read_all_stats the kind of other users' sessions is not shown, only that they are there.
    (
        SELECT count(*)::integer FROM pg_stat_activity AS a
        WHERE a.usesysid IS NOT NULL AND coalesce(a.backend_type, 'client backend') = 'client backend'
    ) AS used
