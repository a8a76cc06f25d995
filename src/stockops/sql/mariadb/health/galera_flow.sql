-- Percent of a second, added up, in which flow control stopped the cluster.
SELECT
    '' AS subject,
    CAST(s.variable_value AS DOUBLE) / 10000000 AS value,
    NULL AS allowed,
    '' AS detail
FROM information_schema.global_status AS s
INNER JOIN information_schema.global_variables AS w ON w.variable_name = 'WSREP_ON' AND w.variable_value = 'ON'
WHERE s.variable_name = 'WSREP_FLOW_CONTROL_PAUSED_NS'
ORDER BY s.variable_name
