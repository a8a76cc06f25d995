-- Which is the latest business date that any issue has prices for; NULL where nothing is listed.
-- Needs: SELECT on stock_inventory.
SELECT max(i.quote_date) AS business_date
FROM stock_inventory AS i
