-- Dates with prices, and at which rate a sale on each is taxed, which its settlement date decides.
-- Needs: SELECT on stock_prices, stocks, tax_rates, market_holidays; EXECUTE on business_day_after.
WITH days AS MATERIALIZED (
    SELECT DISTINCT p.price_date
    FROM stock_prices AS p
    WHERE
        p.price_date >= coalesce(%(since)s::date, DATE '0001-01-01') AND p.price_date <= coalesce(%(until)s::date, DATE '9999-12-31')
),
settled AS MATERIALIZED (
    SELECT d.price_date, m.market, business_day_after(m.market, d.price_date, 2) AS settles_on
    FROM days AS d
    CROSS JOIN (SELECT DISTINCT s.market FROM stocks AS s) AS m
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
