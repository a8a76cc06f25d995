-- Which order and which trade are the latest so far; 0 where there is none.
-- Needs: SELECT on orders, trades.
SELECT
    COALESCE((SELECT MAX(o.order_id) FROM orders AS o), 0) AS order_id,
    COALESCE((SELECT MAX(t.trade_id) FROM trades AS t), 0) AS trade_id
