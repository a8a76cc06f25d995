-- How many connections the server takes, how many of them it keeps for superusers, and how many are in use.
-- MariaDB keeps one beyond max_connections, so none of these.
SELECT
    @@GLOBAL.max_connections AS connections_max,
    0 AS reserved,
    (
        SELECT CAST(s.variable_value AS SIGNED)
        FROM information_schema.global_status AS s
        WHERE s.variable_name = 'THREADS_CONNECTED'
    ) AS used
