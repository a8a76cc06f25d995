-- Tables with 1,000 dead rows or more, of the number at which autovacuum begins, by the table's own settings where it has some.
SELECT
    t.relid::regclass::text AS subject,
    t.n_dead_tup AS value,
    greatest(1, round(least(
            coalesce((o.options ->> 'autovacuum_vacuum_threshold')::float8, current_setting('autovacuum_vacuum_threshold')::float8)
            + coalesce((o.options ->> 'autovacuum_vacuum_scale_factor')::float8, current_setting('autovacuum_vacuum_scale_factor')::float8)
            * greatest(c.reltuples, 0),
            coalesce(nullif(current_setting('autovacuum_vacuum_max_threshold', true)::float8, -1), 'infinity')
        )::numeric)) AS allowed,
    coalesce('last vacuum ' || greatest(t.last_vacuum, t.last_autovacuum)::timestamp(0), 'never vacuumed') AS detail
FROM pg_stat_user_tables AS t
INNER JOIN pg_class AS c ON c.oid = t.relid
CROSS JOIN LATERAL (
    SELECT jsonb_object_agg(p.option_name, p.option_value) AS options FROM pg_options_to_table(c.reloptions) AS p
) AS o
WHERE t.n_dead_tup >= 1000
ORDER BY t.n_dead_tup DESC, t.relid
LIMIT 20
