-- Which cluster this is, through every restart and upgrade, how much it holds, and how far its log is.
-- Needs: CONNECT on every database, or pg_read_all_stats, for the sizes.
SELECT
    'pg-' || c.system_identifier AS system,
    current_setting('server_version') AS version,
    (SELECT sum(pg_database_size(d.oid))::bigint FROM pg_database AS d) AS size_bytes,
    pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, '0/0')::bigint AS log_bytes
FROM pg_control_system() AS c
