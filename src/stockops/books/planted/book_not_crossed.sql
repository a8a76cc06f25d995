-- A buy and a sell at one price rest side by side.
INSERT INTO orders (
    order_id, account_id, idempotency_key, symbol, side, kind, limit_won, quantity, filled_quantity, reserved_won,
    status, resting_won, business_date, placed_at, recorded_at
)
SELECT
    -1, account_id, 'planted', symbol, 'buy', 'limit', limit_won, quantity, 0, 0,
    'open', limit_won, business_date, placed_at, recorded_at
FROM orders
WHERE order_id = (SELECT max(order_id) FROM orders WHERE kind = 'limit')
UNION ALL
SELECT
    -2, account_id, 'planted', symbol, 'sell', 'limit', limit_won, quantity, 0, 0,
    'open', limit_won, business_date, placed_at, recorded_at
FROM orders
WHERE order_id = (SELECT max(order_id) FROM orders WHERE kind = 'limit')
