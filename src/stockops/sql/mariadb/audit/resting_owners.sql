-- The owners of an issue's resting orders.
SELECT DISTINCT o.account_id
FROM orders AS o
WHERE o.symbol = %(symbol)s AND o.resting_won IS NOT NULL
