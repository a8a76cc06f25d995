-- A trade is at twice its price.
UPDATE trades SET price_won = price_won * 2
WHERE trade_id = (SELECT max(trade_id) FROM trades)
