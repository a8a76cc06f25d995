-- Dates with prices, and at which rate a sale on each is taxed, which its settlement date decides.
-- The limit has the settlement dates worked out once, and not for each rate.
-- Needs: SELECT on stock_prices, stocks, tax_rates; EXECUTE on business_day_after.
WITH settled AS (
    SELECT d.price_date, m.market, business_day_after(m.market, d.price_date, 2) AS settles_on
    FROM (
        SELECT DISTINCT p.price_date
        FROM stock_prices AS p
        WHERE p.price_date >= coalesce(%(since)s, DATE '0001-01-01') AND p.price_date <= coalesce(%(until)s, DATE '9999-12-31')
    ) AS d
    CROSS JOIN (SELECT DISTINCT s.market FROM stocks AS s) AS m
    LIMIT 9223372036854775807
)
SELECT
    d.price_date AS price_date,
    d.market AS market,
    (
        SELECT t.sell_rate FROM tax_rates AS t
        WHERE t.market = d.market AND t.settles_from <= d.settles_on
        ORDER BY t.settles_from DESC LIMIT 1
    ) AS sell_rate
FROM settled AS d
ORDER BY d.price_date, d.market
