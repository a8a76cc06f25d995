-- An order names a condition that is not there.
UPDATE orders SET condition_id = -1
WHERE order_id = (SELECT max(order_id) FROM orders)
