-- A trade names an auction that is not there.
UPDATE trades SET auction_id = -1
WHERE trade_id = (SELECT max(trade_id) FROM trades)
