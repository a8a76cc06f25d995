-- Tables of which 1,000 rows or more changed since ANALYZE, of the number at which autovacuum begins it.
SELECT
    t.relid::regclass::text AS subject,
    t.n_mod_since_analyze AS value,
    greatest(1, round(least(
            coalesce((o.options ->> 'autovacuum_analyze_threshold')::float8, current_setting('autovacuum_analyze_threshold')::float8)
            + coalesce((o.options ->> 'autovacuum_analyze_scale_factor')::float8, current_setting('autovacuum_analyze_scale_factor')::float8)
            * greatest(c.reltuples, 0),
            'infinity'
        )::numeric)) AS allowed,
    '' AS detail
FROM pg_stat_user_tables AS t
INNER JOIN pg_class AS c ON c.oid = t.relid
CROSS JOIN LATERAL (
    SELECT jsonb_object_agg(p.option_name, p.option_value) AS options FROM pg_options_to_table(c.reloptions) AS p
) AS o
WHERE t.n_mod_since_analyze >= 1000
ORDER BY t.n_mod_since_analyze DESC, t.relid
LIMIT 20
