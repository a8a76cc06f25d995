-- Whether performance_schema counts statements by their digests, and what it leaves out.
-- Needs SELECT on performance_schema. `has_slow_log`: slow statements are written to the table mysql.slow_log.
SELECT
    NULL AS schema_name,
    CASE
        WHEN NOT @@performance_schema THEN 'performance_schema is OFF'
        WHEN @@performance_schema_digests_size = 0 THEN 'performance_schema_digests_size is 0'
        WHEN c.off IS NOT NULL THEN concat('performance_schema does not count: its consumers ', c.off, ' are off')
        ELSE ''
    END AS why_not,
    CASE
        WHEN NOT @@performance_schema THEN
            'Write performance_schema = ON under [mysqld] and restart; or, without a restart: SET GLOBAL log_output = ''TABLE,FILE'', slow_query_log = 1.'
        WHEN @@performance_schema_digests_size = 0 THEN 'Write performance_schema_digests_size = 5000 under [mysqld] and restart.'
        WHEN c.off IS NOT NULL THEN
            'UPDATE performance_schema.setup_consumers SET enabled = ''YES'' WHERE name LIKE ''%%_instrumentation'' OR name = ''statements_digest''.'
        ELSE ''
    END AS remedy,
    @@slow_query_log AND @@log_output LIKE '%%TABLE%%' AS has_slow_log,
    concat_ws(
        '; ',
        CASE WHEN i.off > 0 THEN concat(
            i.off, ' kinds of statements are not counted: UPDATE performance_schema.setup_instruments SET enabled = ''YES'', timed = ''YES'' ',
            'WHERE name LIKE ''statement/%%'''
        ) END,
        CASE WHEN t.off > 0 THEN concat(
            t.off, ' sessions are not counted: UPDATE performance_schema.threads SET instrumented = ''YES'''
        ) END
    ) AS gap
FROM (
    SELECT group_concat(name ORDER BY name SEPARATOR ', ') AS off
    FROM performance_schema.setup_consumers
    WHERE name IN ('global_instrumentation', 'thread_instrumentation', 'statements_digest') AND enabled = 'NO'
) AS c
CROSS JOIN (
    SELECT count(*) AS off
    FROM performance_schema.setup_instruments
    WHERE (name LIKE 'statement/sql/%%' OR name LIKE 'statement/com/%%') AND (enabled = 'NO' OR timed = 'NO')
) AS i
CROSS JOIN (
    SELECT count(*) AS off FROM performance_schema.threads WHERE type = 'FOREGROUND' AND instrumented = 'NO'
) AS t
ORDER BY why_not
