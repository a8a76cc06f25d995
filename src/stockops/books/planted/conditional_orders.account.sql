-- A condition placed an order for another account.
INSERT INTO conditions (condition_id, user_id, account_id, symbol, rule, status, expires_at, created_at, executions)
SELECT -1, a.user_id, o.account_id, o.symbol, '{}', 'done', o.placed_at, o.placed_at, 1
FROM orders AS o JOIN accounts AS a ON a.account_id = o.account_id
WHERE o.order_id = (SELECT max(order_id) FROM orders);
UPDATE orders SET condition_id = -1
WHERE order_id = (SELECT max(order_id) FROM orders);
INSERT INTO notifications (notification_id, user_id, order_id, kind, channel, body, status, created_at)
SELECT -1, a.user_id, o.order_id, 'order_executed', 'push', 'planted', 'queued', o.placed_at
FROM orders AS o JOIN accounts AS a ON a.account_id = o.account_id
WHERE o.order_id = (SELECT max(order_id) FROM orders);
INSERT INTO audit_log (audit_id, business_date, logged_at, actor, action, entity, entity_id, detail)
SELECT -1, o.business_date, o.placed_at, 'planted', 'execute', 'condition', '-1', concat_ws(' ', 'conditional order', o.order_id, 'planted')
FROM orders AS o WHERE o.order_id = (SELECT max(order_id) FROM orders);
UPDATE conditions SET account_id = 1
WHERE condition_id = -1
