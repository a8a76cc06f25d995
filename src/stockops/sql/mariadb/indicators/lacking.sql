-- The issues that have prices after their last indicators, how many days of them, and from when on; where a date is given,
-- what is stored from that date on counts as not there. GROUP BY, or the last date is looked up again for each price.
-- Needs: SELECT on stocks, stock_prices and technical_indicators.
SELECT p.symbol, count(*) AS days, min(p.price_date) AS starts_on
FROM (
    SELECT
        s.symbol,
        (
            SELECT t.price_date FROM technical_indicators AS t
            WHERE t.symbol = s.symbol AND t.price_date < coalesce(CAST(%(since)s AS DATE), '9999-12-31')
            ORDER BY t.price_date DESC LIMIT 1
        ) AS last_date
    FROM stocks AS s
    GROUP BY s.symbol
) AS l
JOIN stock_prices AS p ON p.symbol = l.symbol AND p.price_date > coalesce(l.last_date, '1000-01-01')
WHERE p.volume > 0
GROUP BY p.symbol
ORDER BY p.symbol
