-- A condition says that it placed an order, and there is none.
INSERT INTO conditions (condition_id, user_id, account_id, symbol, rule, status, expires_at, created_at, executions)
SELECT -1, a.user_id, o.account_id, o.symbol, '{}', 'done', o.placed_at, o.placed_at, 1
FROM orders AS o JOIN accounts AS a ON a.account_id = o.account_id
WHERE o.order_id = (SELECT max(order_id) FROM orders)
