-- An order was placed on a quarantined prediction.
INSERT INTO predictions (prediction_id, user_id, status, reason, predicted_at)
SELECT -1, a.user_id, 'quarantined', 'planted', o.placed_at
FROM orders AS o JOIN accounts AS a ON a.account_id = o.account_id
WHERE o.order_id = (SELECT max(order_id) FROM orders);
UPDATE orders SET prediction_id = -1
WHERE order_id = (SELECT max(order_id) FROM orders)
