-- Whether this database gives the figures of the business (V0011 of the migrations is applied), and whether it has a market.
SELECT to_regclass('trading_now') IS NOT NULL AS is_there, to_regclass('stock_inventory') IS NOT NULL AS has_market
