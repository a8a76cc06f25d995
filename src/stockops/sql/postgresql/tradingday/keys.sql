-- The keys of the orders that a day has placed already.
-- Needs: SELECT on orders.
SELECT o.idempotency_key AS idempotency_key
FROM orders AS o
WHERE o.business_date = %(on)s::date AND o.idempotency_key LIKE %(prefix)s
ORDER BY o.idempotency_key
