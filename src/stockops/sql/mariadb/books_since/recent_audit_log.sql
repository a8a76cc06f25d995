-- New audit rows, and those of the orders of the proof that may have changed.
SELECT n.audit_id, n.business_date, n.action, n.entity, n.entity_id FROM new_audit_log AS n
UNION ALL
SELECT a.audit_id, a.business_date, a.action, a.entity, a.entity_id
FROM (
    SELECT o.order_id AS audit_id FROM old_orders AS o
    UNION
    SELECT o.closed_event_id FROM old_orders AS o
) AS k
STRAIGHT_JOIN audit_log AS a ON a.audit_id = k.audit_id
WHERE a.audit_id <= %(event_id)s OR a.audit_id IN (SELECT s.event_id FROM seen AS s)
