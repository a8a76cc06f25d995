-- An earlier order at the price of a fill was open.
INSERT INTO orders (
    order_id, account_id, idempotency_key, symbol, side, kind, limit_won, quantity, filled_quantity, reserved_won,
    status, resting_won, business_date, placed_at, recorded_at
)
SELECT
    -order_id, account_id, 'planted', symbol, side, 'limit', limit_won, quantity, 0, 0,
    'open', limit_won, business_date, placed_at, recorded_at
FROM orders
WHERE order_id = (
    SELECT max(CASE WHEN taker_side = 'buy' THEN sell_order_id ELSE buy_order_id END) FROM trades
)
