-- An issue may rise a won too far today.
UPDATE stock_inventory SET upper_won = upper_won + 1
WHERE symbol = (SELECT min(symbol) FROM stock_inventory)
