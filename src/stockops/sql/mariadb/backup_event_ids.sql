-- Whether an id of event_ids that is stored proves that all smaller ones were drawn before, on this server, in transactions
-- that can be seen here: false on a replica and in a cluster. The server keeps ids for all its sessions together.
SELECT
    coalesce(max(v.variable_name = 'SLAVES_RUNNING' AND v.variable_value = '0'), 0)
    AND coalesce(max(v.variable_name = 'WSREP_READY' AND v.variable_value = 'ON'), 0) = 0
    AND EXISTS (
        SELECT 1 FROM information_schema.tables AS t
        WHERE t.table_schema = database() AND t.table_name = 'event_ids' AND t.table_type = 'SEQUENCE'
    ) AS in_order
FROM information_schema.global_status AS v
WHERE v.variable_name IN ('SLAVES_RUNNING', 'WSREP_READY')
