-- Whether performance_schema counts what reads each index, and for how long at most: since the server started. It asks for
-- SELECT on performance_schema. Nobody can see whether somebody emptied the counters meanwhile, or switched them on.
SELECT
    q.why_not = '' AS is_counting,
    CAST(q.uptime_s AS SIGNED) AS age_s,
    q.why_not AS why_not,
    q.remedy AS remedy
FROM (
    SELECT
        (SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'UPTIME') AS uptime_s,
        CASE
            WHEN NOT @@performance_schema THEN 'performance_schema is off'
            WHEN NOT EXISTS (
                SELECT 1 FROM performance_schema.setup_consumers WHERE name = 'global_instrumentation' AND enabled = 'YES'
            ) THEN 'the consumer global_instrumentation of performance_schema is off'
            WHEN NOT EXISTS (
                SELECT 1 FROM performance_schema.setup_instruments WHERE name = 'wait/io/table/sql/handler' AND enabled = 'YES'
            ) THEN 'the instrument wait/io/table/sql/handler of performance_schema is off'
            WHEN EXISTS (
                SELECT 1
                FROM information_schema.global_status
                WHERE variable_value + 0 > 0
                    AND variable_name IN ('PERFORMANCE_SCHEMA_TABLE_INSTANCES_LOST', 'PERFORMANCE_SCHEMA_INDEX_STAT_LOST')
            ) THEN 'performance_schema had no room for all tables and indexes, and counted some of them alone'
            ELSE ''
        END AS why_not,
        CASE
            WHEN NOT @@performance_schema THEN 'Start the server with performance_schema = ON'
            ELSE 'Start it with performance_schema_instrument = ''wait/io/table/sql/handler=ON'' and room for every index'
        END AS remedy
) AS q
ORDER BY age_s
