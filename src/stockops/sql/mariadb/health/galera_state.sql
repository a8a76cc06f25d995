-- 1 where this node of Galera does not take statements, or is cut off from the majority.
SELECT
    '' AS subject,
    CASE WHEN s.variable_value = 'ON' AND c.variable_value = 'Primary' THEN 0 ELSE 1 END AS value,
    NULL AS allowed,
    concat('wsrep_ready is ', s.variable_value, ', the component is ', c.variable_value) AS detail
FROM information_schema.global_status AS s
INNER JOIN information_schema.global_variables AS w ON w.variable_name = 'WSREP_ON' AND w.variable_value = 'ON'
INNER JOIN information_schema.global_status AS c ON c.variable_name = 'WSREP_CLUSTER_STATUS'
WHERE s.variable_name = 'WSREP_READY'
ORDER BY s.variable_name
