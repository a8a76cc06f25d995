-- Of new orders: how many there are, and how many others have the account and the key of one of them.
WITH others AS (
    SELECT count(*) AS orders
    FROM new_orders AS n
    STRAIGHT_JOIN orders AS o ON o.account_id = n.account_id AND o.idempotency_key = n.idempotency_key AND o.order_id <> n.order_id
)
SELECT 'one_order_per_key' AS name, %(keyed_orders_count)s + 0 AS looked_at, o.orders AS suspects
FROM others AS o
