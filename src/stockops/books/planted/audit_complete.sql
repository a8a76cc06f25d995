-- The audit row of an order is gone.
DELETE FROM audit_log
WHERE audit_id = (SELECT max(order_id) FROM orders)
