-- The last trade after an event, and in how many of those since then two customers met: the house stood on one side of the others.
-- Needs: SELECT on trades.
SELECT
    max(t.trade_id) AS trade_id,
    count(CASE WHEN t.buy_order_id IS NOT NULL AND t.sell_order_id IS NOT NULL THEN 1 END) AS met
FROM trades AS t
WHERE t.trade_id > %(after_id)s
