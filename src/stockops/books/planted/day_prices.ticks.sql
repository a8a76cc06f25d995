-- An issue takes prices off its tick today.
UPDATE stock_inventory SET tick_won = 3, high_tick_from_won = NULL, high_tick_won = NULL
WHERE symbol = (SELECT symbol FROM (SELECT min(symbol) AS symbol FROM stock_inventory) AS f)
