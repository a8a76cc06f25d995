-- An order is open since another day.
UPDATE orders SET status = 'open', business_date = DATE '2000-01-03'
WHERE order_id = (SELECT max(order_id) FROM orders)
