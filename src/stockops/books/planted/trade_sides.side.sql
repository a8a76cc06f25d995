-- A trade has its buyer where the seller belongs.
UPDATE trades SET sell_order_id = buy_order_id, taker_side = 'sell', buy_order_id = NULL
WHERE trade_id = (SELECT max(trade_id) FROM trades WHERE buy_order_id IS NOT NULL)
