-- How long statements took in all, and how much of that was spent on compiling them. Needs the extension in this
-- database.
SELECT
    'statements.' || v.name AS name,
    v.value AS value,
    extract(EPOCH FROM now() - i.stats_reset)::float8 AS window_s,
    NULL::float8 AS hourly,
    '' AS note
FROM (
    SELECT
        coalesce(sum(s.total_exec_time), 0) / 1000 AS run_s,
        coalesce(
            sum(s.jit_generation_time + s.jit_inlining_time + s.jit_optimization_time + s.jit_emission_time), 0
        ) / 1000 AS compiled_s
    FROM pg_stat_statements AS s
) AS t
CROSS JOIN pg_stat_statements_info AS i
CROSS JOIN LATERAL (VALUES ('compiled_s', t.compiled_s), ('run_s', t.run_s)) AS v (name, value)
ORDER BY v.name
