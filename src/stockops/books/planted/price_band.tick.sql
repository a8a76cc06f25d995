-- A limit order was taken off the tick.
UPDATE orders SET limit_won = limit_won + 1
WHERE order_id = (
    SELECT max(order_id) FROM orders WHERE kind = 'limit' AND status <> 'rejected' AND limit_won >= 2000
)
