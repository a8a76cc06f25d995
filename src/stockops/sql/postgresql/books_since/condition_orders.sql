-- All orders of the conditions that a new order or a new audit row names, and of those that are not there.
SELECT o.*
FROM orders AS o
WHERE o.condition_id = ANY (%(condition_ids)s::bigint[])
