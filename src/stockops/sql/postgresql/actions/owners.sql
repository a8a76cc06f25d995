-- Whose accounts an action writes: owners of resting orders, and holders who are paid; by number.
-- Needs: SELECT on orders, positions.
SELECT o.account_id AS account_id
FROM orders AS o
WHERE o.symbol = %(symbol)s AND o.resting_won IS NOT NULL
UNION
SELECT p.account_id
FROM positions AS p
WHERE p.symbol = %(symbol)s AND p.quantity > 0 AND p.quantity %% %(divisor)s <> 0
ORDER BY account_id
