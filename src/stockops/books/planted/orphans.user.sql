-- An audit row names a user who is not there.
UPDATE audit_log SET user_id = -1
WHERE audit_id = (SELECT max(order_id) FROM orders)
