-- What became of orders, by their numbers: a text of numbers with commas between.
-- Needs: SELECT on orders.
SELECT
    o.order_id AS order_id,
    o.idempotency_key AS idempotency_key,
    o.status AS status,
    o.reason AS reason
FROM orders AS o
WHERE o.order_id = ANY (string_to_array(%(order_ids)s, ',')::bigint [])
ORDER BY o.order_id
