-- Where the market stands: the earliest and the latest business date of its issues, and the last date that was folded.
-- Needs: SELECT on stock_inventory, house_balances.
SELECT
    (SELECT min(i.quote_date) FROM stock_inventory AS i) AS first_date,
    (SELECT max(i.quote_date) FROM stock_inventory AS i) AS last_date,
    (SELECT max(b.business_date) FROM house_balances AS b) AS folded_date
