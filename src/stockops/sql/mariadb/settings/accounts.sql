-- How many accounts are let in by the name of a host. An error for who may not read the accounts.
SELECT
    'accounts.by_host_name' AS name,
    COALESCE(SUM(u.host REGEXP '[a-z]' AND u.host <> 'localhost'), 0) AS value,
    NULL AS window_s,
    NULL AS hourly,
    '' AS note
FROM mysql.user AS u
