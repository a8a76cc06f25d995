-- An order that the taker's limit reached was open while the house traded.
INSERT INTO orders (
    order_id, account_id, idempotency_key, symbol, side, kind, limit_won, quantity, filled_quantity, reserved_won,
    status, reason, business_date, placed_at, recorded_at, closed_event_id
)
SELECT
    k.order_id - 1, k.account_id, 'planted', k.symbol, CASE k.side WHEN 'buy' THEN 'sell' ELSE 'buy' END, 'limit',
    coalesce(k.limit_won, t.price_won), k.quantity, 0, 0,
    'cancelled', 'cancelled', k.business_date, k.placed_at, k.recorded_at, t.trade_id + 1
FROM trades AS t
JOIN orders AS k ON k.order_id = coalesce(t.buy_order_id, t.sell_order_id)
WHERE t.buy_order_id IS NULL OR t.sell_order_id IS NULL
ORDER BY t.trade_id DESC
LIMIT 1
