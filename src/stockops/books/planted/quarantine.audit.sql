-- A prediction was quarantined, its user warned, and nothing logged.
INSERT INTO predictions (prediction_id, user_id, status, reason, predicted_at, prediction_key)
SELECT -1, a.user_id, 'quarantined', 'planted', o.placed_at, 'planted'
FROM orders AS o JOIN accounts AS a ON a.account_id = o.account_id
WHERE o.order_id = (SELECT max(order_id) FROM orders);
INSERT INTO notifications (notification_id, user_id, prediction_id, kind, channel, body, status, created_at)
SELECT -1, p.user_id, -1, 'ai_warning', 'push', 'planted', 'queued', p.predicted_at FROM predictions AS p WHERE p.prediction_id = -1
