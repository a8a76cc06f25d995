-- A prediction was quarantined and logged, and its user not warned.
INSERT INTO predictions (prediction_id, user_id, status, reason, predicted_at, prediction_key)
SELECT -1, a.user_id, 'quarantined', 'planted', o.placed_at, 'planted'
FROM orders AS o JOIN accounts AS a ON a.account_id = o.account_id
WHERE o.order_id = (SELECT max(order_id) FROM orders);
INSERT INTO audit_log (audit_id, business_date, logged_at, actor, action, entity, entity_id, detail)
SELECT -1, o.business_date, o.placed_at, 'planted', 'quarantine', 'prediction', '-1', 'planted'
FROM orders AS o WHERE o.order_id = (SELECT max(order_id) FROM orders)
