-- The issues whose indicators are not those of their prices: days up to the last computed one that lack them, that were
-- computed from another close, or that have no traded price any more; and the first of these days.
-- Needs: SELECT on stock_prices and technical_indicators.
SELECT
    d.symbol,
    count(*) AS days,
    min(d.price_date) AS starts_on
FROM (
    SELECT p.symbol, p.price_date
    FROM stock_prices AS p
    JOIN (SELECT n.symbol, max(n.price_date) AS last_date FROM technical_indicators AS n GROUP BY n.symbol) AS l
        ON l.symbol = p.symbol AND p.price_date <= l.last_date
    LEFT JOIN technical_indicators AS t ON t.symbol = p.symbol AND t.price_date = p.price_date
    WHERE p.volume > 0 AND (t.symbol IS NULL OR t.close_won <> p.close_won)
    UNION ALL
    SELECT t.symbol, t.price_date
    FROM technical_indicators AS t
    LEFT JOIN stock_prices AS p ON p.symbol = t.symbol AND p.price_date = t.price_date
    WHERE coalesce(p.volume, 0) = 0
) AS d
GROUP BY d.symbol
ORDER BY d.symbol
