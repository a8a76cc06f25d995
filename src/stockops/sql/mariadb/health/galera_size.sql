-- How many nodes the cluster of Galera has.
SELECT
    '' AS subject,
    CAST(s.variable_value AS SIGNED) AS value,
    NULL AS allowed,
    '' AS detail
FROM information_schema.global_status AS s
INNER JOIN information_schema.global_variables AS w ON w.variable_name = 'WSREP_ON' AND w.variable_value = 'ON'
WHERE s.variable_name = 'WSREP_CLUSTER_SIZE'
ORDER BY s.variable_name
