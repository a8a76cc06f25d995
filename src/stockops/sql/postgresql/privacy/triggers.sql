-- Triggers of a table.
-- Needs: nothing.
SELECT
    t.tgname::text AS name
FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = to_regclass(%(name)s) AND NOT t.tgisinternal
ORDER BY t.tgname
