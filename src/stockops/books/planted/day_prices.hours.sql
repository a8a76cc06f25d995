-- An issue closes an hour late today.
UPDATE stock_inventory SET opens_at = '09:00:00', closes_at = '16:20:00'
WHERE symbol = (SELECT symbol FROM (SELECT min(symbol) AS symbol FROM stock_inventory) AS f)
