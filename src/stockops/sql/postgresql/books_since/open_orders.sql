-- Orders that are open now.
SELECT o.*
FROM orders AS o
WHERE o.order_id = ANY (%(open_order_ids)s::bigint[])
