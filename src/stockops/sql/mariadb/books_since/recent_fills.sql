-- New trades, and all trades of the orders of the proof that may have changed.
SELECT n.trade_id, n.buy_order_id, n.sell_order_id, n.quantity, n.auction_id FROM new_trades AS n
UNION ALL
SELECT t.trade_id, t.buy_order_id, t.sell_order_id, t.quantity, t.auction_id
FROM (
    SELECT b.trade_id FROM old_orders AS o STRAIGHT_JOIN trades AS b ON b.buy_order_id = o.order_id
    UNION
    SELECT s.trade_id FROM old_orders AS o STRAIGHT_JOIN trades AS s ON s.sell_order_id = o.order_id
) AS k
STRAIGHT_JOIN trades AS t ON t.trade_id = k.trade_id
WHERE t.trade_id <= %(event_id)s OR t.trade_id IN (SELECT s.event_id FROM seen AS s)
