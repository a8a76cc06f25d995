-- The dates that have daily prices with a trade: the first, the last and how many there are; and how many issues have one on a date.
-- Needs: SELECT on stock_prices.
SELECT
    min(p.price_date) AS first_date,
    max(p.price_date) AS last_date,
    count(DISTINCT p.price_date) AS dates,
    count(CASE WHEN p.price_date = %(on)s THEN 1 END) AS issues
FROM stock_prices AS p
WHERE p.volume > 0
