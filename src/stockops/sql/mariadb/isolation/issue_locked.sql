-- The same issue, its row locked until the transaction ends, as place_order locks it.
-- Needs: SELECT and UPDATE on stock_inventory.
SELECT
    i.symbol AS symbol,
    i.available_shares AS available_shares,
    i.last_won AS last_won,
    i.settles_on AS settles_on,
    i.sell_tax_rate AS sell_tax_rate
FROM stock_inventory AS i
WHERE i.symbol = %(symbol)s
FOR UPDATE
