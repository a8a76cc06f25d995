-- The newest purchase was a won dearer than its position says.
UPDATE trades SET price_won = price_won + 1
WHERE trade_id = (SELECT max(trade_id) FROM trades WHERE buy_order_id IS NOT NULL)
