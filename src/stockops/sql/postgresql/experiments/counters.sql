-- What the server has counted since its start that a load moves: bytes of its log, rows updated, and how many of
-- those in their place (HOT). A session hands its counts of rows in when it ends, or once a second.
SELECT
    c.name AS name,
    c.value AS value
FROM (
    SELECT
        'hot_updates' AS name,
        coalesce(sum(t.n_tup_hot_upd), 0)::bigint AS value
    FROM pg_stat_user_tables AS t
    UNION ALL
    SELECT
        'updates' AS name,
        coalesce(sum(t.n_tup_upd), 0)::bigint AS value
    FROM pg_stat_user_tables AS t
    UNION ALL
    SELECT
        'wal_bytes' AS name,
        -- What is inserted, not what is written out: that is late where a commit does not wait for it.
        (pg_current_wal_insert_lsn() - '0/0')::bigint AS value
) AS c
ORDER BY c.name
