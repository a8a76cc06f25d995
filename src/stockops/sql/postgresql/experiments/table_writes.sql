-- How many rows of each table were changed since its counters were reset, and how many updates were HOT: in the page the row
-- was in, with no index touched. A partition counts for its table. No rights are needed.
SELECT
    n.nspname::text AS schema_name,
    c.relname::text AS table_name,
    sum(s.n_tup_ins + s.n_tup_upd + s.n_tup_del)::bigint AS rows_changed,
    sum(s.n_tup_upd)::bigint AS rows_updated,
    sum(s.n_tup_hot_upd)::bigint AS rows_updated_hot
FROM pg_stat_user_tables AS s
JOIN pg_class AS c ON c.oid = coalesce(pg_partition_root(s.relid), s.relid)
JOIN pg_namespace AS n ON n.oid = c.relnamespace
GROUP BY n.nspname, c.relname
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
