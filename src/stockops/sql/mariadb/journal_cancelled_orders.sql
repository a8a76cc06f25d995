-- What became of orders, by their numbers: a text of numbers with commas between.
-- Needs: SELECT on orders.
SELECT
    o.order_id AS order_id,
    o.idempotency_key AS idempotency_key,
    o.status AS status,
    o.reason AS reason
FROM JSON_TABLE(CONCAT('[', %(order_ids)s, ']'), '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS j
JOIN orders AS o ON o.order_id = j.order_id
ORDER BY o.order_id
