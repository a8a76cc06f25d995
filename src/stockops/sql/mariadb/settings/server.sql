-- Where the server is and since when, who asks.
SELECT
    CURRENT_USER() AS role,
    DATABASE() AS database_name,
    UNIX_TIMESTAMP(NOW(6)) - s.variable_value AS started_s,
    @@GLOBAL.datadir AS data_directory
FROM information_schema.global_status AS s
WHERE s.variable_name = 'UPTIME'
