-- An order was taken at night.
UPDATE orders SET placed_at = placed_at + INTERVAL '9' HOUR
WHERE order_id = (SELECT max(order_id) FROM orders WHERE status <> 'rejected')
