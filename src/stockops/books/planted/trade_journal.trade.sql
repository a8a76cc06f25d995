-- A journal has lost its trade.
DELETE FROM trades
WHERE trade_id = (SELECT max(trade_id) FROM trades)
