-- The issues that have prices after their last indicators, how many days of them, and from when on; where a date is given,
-- what is stored from that date on counts as not there. MATERIALIZED, or the last date is looked up again for each price.
-- Needs: SELECT on stocks, stock_prices and technical_indicators.
WITH lasts AS MATERIALIZED (
    SELECT
        s.symbol,
        (
            SELECT max(t.price_date) FROM technical_indicators AS t
            WHERE t.symbol = s.symbol AND t.price_date < coalesce(%(since)s::date, 'infinity'::date)
        ) AS last_date
    FROM stocks AS s
)
SELECT l.symbol, p.days, p.starts_on
FROM lasts AS l
CROSS JOIN LATERAL (
    SELECT count(*) AS days, min(q.price_date) AS starts_on
    FROM stock_prices AS q
    WHERE q.symbol = l.symbol AND q.price_date > coalesce(l.last_date, '-infinity'::date) AND q.volume > 0
) AS p
WHERE p.days > 0
ORDER BY l.symbol
