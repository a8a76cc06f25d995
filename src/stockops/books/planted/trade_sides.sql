-- A trade is above the limit of its buyer.
UPDATE orders SET limit_won = 1
WHERE order_id = (
    SELECT max(t.buy_order_id) FROM trades AS t JOIN orders AS o ON o.order_id = t.buy_order_id WHERE o.kind = 'limit'
)
