-- Orders that have the account and the key of a new one, which is one of them.
SELECT k.order_id, k.account_id, k.idempotency_key
FROM (SELECT DISTINCT d.account_id, d.idempotency_key FROM new_orders AS d) AS n
CROSS JOIN LATERAL (
    SELECT o.order_id, o.account_id, o.idempotency_key
    FROM orders AS o
    WHERE o.account_id = n.account_id AND o.idempotency_key = n.idempotency_key
    LIMIT 20
) AS k
