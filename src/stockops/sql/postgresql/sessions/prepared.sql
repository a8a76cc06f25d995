-- Prepared transactions, the oldest first: they hold their locks without a session, until somebody ends them.
-- Everybody may ask. `ending` is what its owner, or an administrator, runs in its database.
SELECT
    p.gid AS name,
    'ROLLBACK PREPARED ' || quote_literal(p.gid) AS ending,
    p.database::text AS database_name
FROM pg_prepared_xacts AS p
ORDER BY p.prepared, p.gid
LIMIT 20
