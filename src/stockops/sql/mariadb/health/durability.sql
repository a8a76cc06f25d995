-- Settings by which a crash loses what was acknowledged (1), or all of the data (2).
SELECT
    lower(v.variable_name) AS subject,
    CASE WHEN v.variable_name = 'INNODB_DOUBLEWRITE' THEN 2 ELSE 1 END AS value,
    NULL AS allowed,
    concat(lower(v.variable_name), ' is ', v.variable_value, ': ', CASE
        WHEN v.variable_name = 'INNODB_DOUBLEWRITE' THEN 'a page torn by a crash is lost'
        WHEN v.variable_name = 'SYNC_BINLOG' THEN 'a crash of the machine loses the end of the binary log'
        ELSE 'a crash loses the last transactions'
    END) AS detail
FROM information_schema.global_variables AS v
WHERE
    (v.variable_name = 'INNODB_FLUSH_LOG_AT_TRX_COMMIT' AND v.variable_value <> '1')
    OR (v.variable_name = 'SYNC_BINLOG' AND v.variable_value <> '1' AND @@GLOBAL.log_bin)
    OR (v.variable_name = 'INNODB_DOUBLEWRITE' AND v.variable_value = 'OFF')
ORDER BY value DESC, v.variable_name
