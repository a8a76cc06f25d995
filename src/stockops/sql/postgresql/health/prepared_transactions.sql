-- Prepared transactions, the oldest first: each holds its locks until somebody ends it.
SELECT
    p.gid AS subject,
    extract(EPOCH FROM clock_timestamp() - p.prepared) AS value,
    NULL::bigint AS allowed,
    'of ' || p.owner || ' in ' || p.database AS detail
FROM pg_prepared_xacts AS p
ORDER BY p.prepared, p.gid
LIMIT 20
