-- The orders that rest in the book of an issue, the oldest first.
-- Needs: SELECT on orders.
SELECT
    o.order_id AS order_id,
    o.account_id AS account_id,
    o.side AS side,
    o.resting_won AS price_won,
    o.reserved_won AS reserved_won,
    o.quantity AS quantity
FROM orders AS o
WHERE o.symbol = %(symbol)s AND o.side IN ('buy', 'sell') AND o.resting_won >= 1
ORDER BY o.order_id
