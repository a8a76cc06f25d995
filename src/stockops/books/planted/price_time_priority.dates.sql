-- A better price of an earlier date was open until after a fill.
INSERT INTO orders (
    order_id, account_id, idempotency_key, symbol, side, kind, limit_won, quantity, filled_quantity, reserved_won,
    status, reason, business_date, placed_at, recorded_at, closed_event_id
)
SELECT
    m.order_id - 1, m.account_id, 'planted', m.symbol, m.side, 'limit', m.limit_won + CASE m.side WHEN 'buy' THEN 1 ELSE -1 END, m.quantity, 0, 0,
    'cancelled', 'cancelled', (SELECT min(d.business_date) FROM trades AS d), m.placed_at, m.recorded_at, t.trade_id + 1
FROM trades AS t
JOIN orders AS m ON m.order_id = CASE WHEN t.taker_side = 'buy' THEN t.sell_order_id ELSE t.buy_order_id END
WHERE t.buy_order_id IS NOT NULL AND t.sell_order_id IS NOT NULL
ORDER BY t.trade_id DESC
LIMIT 1
