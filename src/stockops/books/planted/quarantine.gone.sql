-- An order names a prediction that is not there.
UPDATE orders SET prediction_id = -1
WHERE order_id = (SELECT max(order_id) FROM orders)
