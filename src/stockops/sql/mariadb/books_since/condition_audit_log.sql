-- New audit rows, and for each order of the proof that a condition had the row that it had.
SELECT n.entity, n.action, n.entity_id, n.detail FROM new_audit_log AS n
UNION ALL
SELECT 'condition', 'execute', concat(o.condition_id), concat_ws(' ', 'prediction', coalesce(o.prediction_id, 0), o.order_id)
FROM condition_orders AS o
WHERE o.order_id <= %(event_id)s OR o.order_id IN (SELECT s.event_id FROM seen AS s)
