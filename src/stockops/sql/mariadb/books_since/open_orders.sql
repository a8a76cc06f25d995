-- Orders that are open now.
SELECT o.*
FROM JSON_TABLE(%(open_order_ids)s, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS k
STRAIGHT_JOIN orders AS o ON o.order_id = k.order_id
