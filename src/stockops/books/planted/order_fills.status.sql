-- A filled order says that it was cancelled.
UPDATE orders SET status = 'cancelled', reason = 'cancelled'
WHERE order_id = (SELECT max(order_id) FROM orders WHERE status = 'filled')
