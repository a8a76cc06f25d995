-- An order is there twice.
INSERT INTO orders
SELECT * FROM orders
WHERE order_id = (SELECT max(order_id) FROM orders)
