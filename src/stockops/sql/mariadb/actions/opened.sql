-- The base price of an issue whose day was opened just now.
-- Needs: SELECT on stock_inventory.
SELECT i.base_won AS base_won
FROM stock_inventory AS i
WHERE i.symbol = %(symbol)s
ORDER BY i.symbol
