-- A trade happened a day after its business date.
UPDATE trades SET traded_at = traded_at + INTERVAL '1' DAY
WHERE trade_id = (SELECT max(trade_id) FROM trades)
