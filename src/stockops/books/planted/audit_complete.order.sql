-- The order of an audit row is gone.
DELETE FROM orders
WHERE order_id = (SELECT max(order_id) FROM orders)
