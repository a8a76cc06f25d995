-- Which cluster this is, through every restart and upgrade, and how much it holds.
-- Needs: CONNECT on every database, or pg_read_all_stats, for the sizes.
SELECT
    'pg-' || c.system_identifier AS system,
    current_setting('server_version') AS version,
    (SELECT sum(pg_database_size(d.oid))::bigint FROM pg_database AS d) AS size_bytes
FROM pg_control_system() AS c
