-- An order, as the program decided it is.
INSERT INTO orders (order_id, account_id, idempotency_key, symbol, side, kind, limit_won, quantity, filled_quantity, reserved_won, status,
    business_date, placed_at, closed_event_id)
VALUES (%(order_id)s, %(account_id)s, %(key)s, %(symbol)s, %(side)s, %(kind)s, %(limit_won)s, %(quantity)s, %(filled_quantity)s, %(reserved_won)s,
    %(status)s, %(on)s, %(at)s, %(closed_event_id)s)
