-- New audit rows, and those of the orders of the proof that may have changed.
SELECT n.* FROM new_audit_log AS n
UNION
SELECT a.*
FROM old_orders AS o
STRAIGHT_JOIN audit_log AS a ON a.audit_id = o.order_id
UNION
SELECT a.*
FROM old_orders AS o
STRAIGHT_JOIN audit_log AS a ON a.audit_id = o.closed_event_id
