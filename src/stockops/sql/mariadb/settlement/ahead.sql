-- What waits to be settled by a date: trades, their value, and the issues that are still at a business date of them.
-- Needs: SELECT on trades, stock_inventory.
SELECT
    count(t.trade_id) AS trades,
    cast(coalesce(sum(t.value_won), 0) AS decimal(30, 0)) AS value_won,
    (SELECT count(*) FROM stock_inventory AS i WHERE i.settles_on <= %(day)s) AS symbols
FROM trades AS t
WHERE t.trade_id >= %(from_id)s AND t.settles_on > %(after)s AND t.settles_on <= %(day)s
