-- A trade settles a day early.
UPDATE trades SET settles_on = settles_on - INTERVAL '1' DAY
WHERE trade_id = (SELECT max(trade_id) FROM trades)
