-- Orders of the proof that may have changed since.
SELECT o.*
FROM JSON_TABLE(%(old_order_ids)s, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS k
STRAIGHT_JOIN orders AS o ON o.order_id = k.order_id
