-- New trades, and all trades of the orders of the proof that may have changed.
SELECT n.* FROM new_trades AS n
UNION
SELECT t.*
FROM old_orders AS o
STRAIGHT_JOIN trades AS t ON t.buy_order_id = o.order_id
UNION
SELECT t.*
FROM old_orders AS o
STRAIGHT_JOIN trades AS t ON t.sell_order_id = o.order_id
