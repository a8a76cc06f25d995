-- New trades, and all trades of the orders of the proof that may have changed.
SELECT n.* FROM new_trades AS n
UNION ALL
SELECT t.*
FROM trades AS t
WHERE
    (t.buy_order_id = ANY (ARRAY(SELECT o.order_id FROM old_orders AS o)) OR t.sell_order_id = ANY (ARRAY(SELECT o.order_id FROM old_orders AS o)))
    AND (t.trade_id <= %(event_id)s OR t.trade_id IN (SELECT s.event_id FROM seen AS s))
