-- The inventory is a share short of nothing.
UPDATE stock_inventory SET available_shares = -1
WHERE symbol = (SELECT min(symbol) FROM stock_inventory)
