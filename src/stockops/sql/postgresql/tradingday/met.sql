-- The last trade after an event in which two customers met; NULL where the house stood on one side of each.
-- Needs: SELECT on trades.
SELECT max(t.trade_id) AS trade_id
FROM trades AS t
WHERE t.trade_id > %(after_id)s AND t.buy_order_id IS NOT NULL AND t.sell_order_id IS NOT NULL
