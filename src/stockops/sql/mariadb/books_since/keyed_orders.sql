-- Orders that have the account and the key of a new one, which is one of them.
SELECT o.order_id, o.account_id, o.idempotency_key
FROM (SELECT DISTINCT d.account_id, d.idempotency_key FROM new_orders AS d) AS n
STRAIGHT_JOIN orders AS o ON o.account_id = n.account_id AND o.idempotency_key = n.idempotency_key
