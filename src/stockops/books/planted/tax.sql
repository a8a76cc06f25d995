-- A sale was taxed a won too much.
UPDATE trades SET sell_tax_won = sell_tax_won + 1
WHERE trade_id = (SELECT max(trade_id) FROM trades)
