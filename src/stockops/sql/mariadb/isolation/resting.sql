-- The issues in whose books orders rest.
-- Needs: SELECT on orders.
SELECT DISTINCT o.symbol AS symbol
FROM orders AS o
WHERE o.status = 'open'
ORDER BY o.symbol
