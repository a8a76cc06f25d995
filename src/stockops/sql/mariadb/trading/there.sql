-- Whether this database gives the figures of the business (V0011 of the migrations is applied, and the role may see them), and
-- whether it has a market.
SELECT coalesce(max(t.table_name = 'trading_now'), 0) AS is_there, coalesce(max(t.table_name = 'stock_inventory'), 0) AS has_market
FROM information_schema.tables AS t
WHERE t.table_schema = DATABASE() AND t.table_name IN ('trading_now', 'stock_inventory')
