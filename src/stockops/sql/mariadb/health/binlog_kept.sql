-- 1 where binary logs are written and never removed.
SELECT
    '' AS subject,
    CASE WHEN v.variable_value + 0 = 0 THEN 1 ELSE 0 END AS value,
    NULL AS allowed,
    CASE WHEN v.variable_value + 0 = 0 THEN 'binlog_expire_logs_seconds is 0: binary logs are never removed'
        ELSE concat('binary logs are kept for ', round(v.variable_value / 86400, 1), ' days')
    END AS detail
FROM information_schema.global_variables AS v
WHERE v.variable_name = 'BINLOG_EXPIRE_LOGS_SECONDS' AND @@GLOBAL.log_bin
ORDER BY v.variable_name
