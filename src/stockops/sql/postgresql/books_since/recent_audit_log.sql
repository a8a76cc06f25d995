-- New audit rows, and those of the orders of the proof that may have changed.
SELECT n.* FROM new_audit_log AS n
UNION ALL
SELECT a.*
FROM audit_log AS a
WHERE
    a.audit_id = ANY (ARRAY(SELECT o.order_id FROM old_orders AS o UNION SELECT o.closed_event_id FROM old_orders AS o))
    AND (a.audit_id <= %(event_id)s OR a.audit_id IN (SELECT s.event_id FROM seen AS s))
