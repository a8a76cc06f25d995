-- Orders of the proof that may have changed since.
SELECT o.*
FROM orders AS o
WHERE o.order_id = ANY (%(old_order_ids)s::bigint[])
