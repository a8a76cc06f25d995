-- An earlier order at the price was open until after a fill, and a hundred others came and went between.
INSERT INTO orders (
    order_id, account_id, idempotency_key, symbol, side, kind, limit_won, quantity, filled_quantity, reserved_won,
    status, reason, business_date, placed_at, recorded_at, closed_event_id
)
SELECT
    m.order_id - CASE n.place_no WHEN 1 THEN 2 ELSE 1 END, m.account_id, concat('planted-', n.place_no), m.symbol, m.side, 'limit', m.limit_won, m.quantity, 0, 0,
    'cancelled', 'cancelled', m.business_date, m.placed_at, m.recorded_at, CASE n.place_no WHEN 1 THEN f.trade_id + 1 ELSE m.order_id END
FROM (
    SELECT max(t.trade_id) AS trade_id
    FROM trades AS t
    WHERE t.buy_order_id IS NOT NULL AND t.sell_order_id IS NOT NULL
) AS f
JOIN trades AS t ON t.trade_id = f.trade_id
JOIN orders AS m ON m.order_id = CASE WHEN t.taker_side = 'buy' THEN t.sell_order_id ELSE t.buy_order_id END
CROSS JOIN (SELECT row_number() OVER (ORDER BY j.journal_id, j.leg) AS place_no FROM journal_entries AS j) AS n
WHERE n.place_no <= 101
