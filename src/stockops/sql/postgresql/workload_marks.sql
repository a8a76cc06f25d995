-- Which order and which trade are the latest so far; 0 where there is none.
-- Needs: SELECT on orders, trades.
SELECT
    COALESCE((SELECT max(o.order_id) FROM orders AS o), 0)::bigint AS order_id,
    COALESCE((SELECT max(t.trade_id) FROM trades AS t), 0)::bigint AS trade_id
