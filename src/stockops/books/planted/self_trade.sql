-- A user stands on both sides of a trade.
UPDATE trades SET sell_order_id = buy_order_id
WHERE trade_id = (SELECT max(trade_id) FROM trades WHERE buy_order_id IS NOT NULL)
