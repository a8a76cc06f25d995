-- Whether pg_stat_statements counts here, in which schema it is, and what it leaves out. Everybody may ask.
-- The settings of this session stand for those of all: a superuser may have others.
SELECT
    quote_ident(n.nspname) AS schema_name,
    CASE
        WHEN m.setting IS NULL THEN 'pg_stat_statements is not loaded'
        WHEN x.oid IS NULL THEN format('the database %%I has no extension pg_stat_statements', current_database())
        WHEN string_to_array(x.extversion, '.')::int[] < r.needed
            THEN format('pg_stat_statements is of version %%s, older than its server', x.extversion)
        WHEN current_setting('pg_stat_statements.track', true) = 'none' THEN 'pg_stat_statements.track is none'
        WHEN current_setting('compute_query_id') = 'off' THEN 'compute_query_id is off'
        ELSE ''
    END AS why_not,
    CASE
        WHEN m.setting IS NULL THEN format(
            'Set shared_preload_libraries = ''%%s'', restart the server, then: CREATE EXTENSION pg_stat_statements.',
            concat_ws(
                ',', (SELECT nullif(p.setting, '') FROM pg_settings AS p WHERE p.name = 'shared_preload_libraries'), 'pg_stat_statements'
            )
        )
        WHEN x.oid IS NULL THEN 'In that database: CREATE EXTENSION pg_stat_statements.'
        WHEN string_to_array(x.extversion, '.')::int[] < r.needed THEN 'ALTER EXTENSION pg_stat_statements UPDATE.'
        WHEN current_setting('pg_stat_statements.track', true) = 'none'
            THEN 'ALTER SYSTEM SET pg_stat_statements.track = top; SELECT pg_reload_conf().'
        WHEN current_setting('compute_query_id') = 'off' THEN 'ALTER SYSTEM SET compute_query_id = auto; SELECT pg_reload_conf().'
        ELSE ''
    END AS remedy,
    false AS has_slow_log,
    CASE
        WHEN current_setting('pg_stat_statements.track_utility', true) = 'off' THEN
            'utility commands are not counted: ALTER SYSTEM SET pg_stat_statements.track_utility = on; SELECT pg_reload_conf()'
        ELSE ''
    END AS gap
FROM (SELECT CASE WHEN current_setting('server_version_num')::int >= 170000 THEN ARRAY[1, 11] ELSE ARRAY[1, 9] END AS needed) AS r
LEFT JOIN pg_settings AS m ON m.name = 'pg_stat_statements.max' AND m.context = 'postmaster'
LEFT JOIN pg_extension AS x ON x.extname = 'pg_stat_statements'
LEFT JOIN pg_namespace AS n ON n.oid = x.extnamespace
ORDER BY schema_name
