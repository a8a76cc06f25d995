-- Issues with prices, by code. Needs: SELECT on stocks, stock_prices.
SELECT
    s.symbol AS symbol,
    s.name AS name,
    s.market AS market
FROM stocks AS s
WHERE EXISTS (SELECT 1 FROM stock_prices AS p WHERE p.symbol = s.symbol)
ORDER BY s.symbol
