-- A buyer paid a won too much.
UPDATE trades SET buy_fee_won = buy_fee_won + 1
WHERE trade_id = (SELECT max(trade_id) FROM trades WHERE buy_order_id IS NOT NULL)
