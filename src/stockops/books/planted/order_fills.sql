-- An order forgets one share of its trades.
UPDATE orders SET filled_quantity = filled_quantity - 1
WHERE order_id = (SELECT max(coalesce(buy_order_id, sell_order_id)) FROM trades)
