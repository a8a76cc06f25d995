-- Locks in the shared table, of those it has room for; what is taken by the fast path is not in it.
SELECT
    '' AS subject,
    count(*) FILTER (WHERE NOT l.fastpath) AS value,
    current_setting('max_locks_per_transaction')::bigint
    * (current_setting('max_connections')::bigint + current_setting('max_prepared_transactions')::bigint) AS allowed,
    '' AS detail
FROM pg_locks AS l
