-- Which is the latest business date that an issue is at and whose trades settle by a date; NULL where every issue is past it.
-- Needs: SELECT on stock_inventory.
SELECT max(i.quote_date) AS business_date
FROM stock_inventory AS i
WHERE i.settles_on <= %(day)s
