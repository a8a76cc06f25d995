-- New conditions, and those that a new order or a new audit row names, whether or not they are there.
WITH named AS (
    SELECT o.condition_id FROM new_orders AS o WHERE o.condition_id IS NOT NULL
    UNION
    SELECT CASE WHEN a.entity_id ~ '^[1-9][0-9]{0,17}$' THEN a.entity_id::bigint END
    FROM new_audit_log AS a
    WHERE a.entity = 'condition' AND a.action = 'execute'
    UNION
    SELECT c.condition_id
    FROM conditions AS c
    WHERE
        c.condition_id > %(condition_id)s
        AND c.condition_id NOT IN (SELECT e.event_id FROM books_proof_events AS e WHERE e.proof_id = %(proof_id)s AND e.kind = 'condition')
)
SELECT array_agg(n.condition_id)::text AS condition_ids
FROM named AS n
