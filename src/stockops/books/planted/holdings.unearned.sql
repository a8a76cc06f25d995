-- A position is there that no entry made.
INSERT INTO positions (account_id, symbol, quantity, reserved_quantity, cost_won)
SELECT 4, min(symbol), 1, 0, 0 FROM stocks
