-- Seconds since the server started.
SELECT
    '' AS subject,
    extract(EPOCH FROM clock_timestamp() - pg_postmaster_start_time()) AS value,
    NULL::bigint AS allowed,
    '' AS detail
