-- Where the server keeps its data, its log and its certificate, whom it listens to, and what time it is there.
-- The end of the certificate is known in a session that has TLS.
SELECT
    utc_timestamp(6) AS now,
    CAST(UNIX_TIMESTAMP(NOW(6)) - s.variable_value AS DOUBLE) AS started_s,
    CAST(NULL AS DOUBLE) AS session_started_s,
    @@GLOBAL.datadir AS data_directory,
    regexp_replace(@@GLOBAL.log_bin_basename, '/[^/]*$', '') AS changes_directory,
    nullif(@@GLOBAL.log_error, '') AS log_file,
    CASE WHEN @@GLOBAL.skip_networking THEN '' ELSE coalesce(nullif(@@GLOBAL.bind_address, ''), '*') END AS listens,
    @@GLOBAL.have_ssl = 'YES' AS has_tls,
    nullif(@@GLOBAL.ssl_cert, '') AS certificate_file,
    (SELECT nullif(c.variable_value, '') FROM information_schema.session_status AS c WHERE c.variable_name = 'SSL_SERVER_NOT_AFTER') AS certificate_until
FROM information_schema.global_status AS s
WHERE s.variable_name = 'UPTIME'
