-- The house has a share more than its entries say.
UPDATE stock_inventory SET available_shares = available_shares + 1
WHERE symbol = (SELECT min(symbol) FROM stock_inventory)
