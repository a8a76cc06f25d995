-- Each day that traded, and what a z-score of its close is made from: how many closes the window has, their sum, and that of
-- their squares, in whole numbers. Days without a trade are no part of it: nobody made their price.
-- Needs: SELECT on stock_prices.
SELECT
    p.symbol AS symbol,
    p.price_date AS price_date,
    p.open_won AS open_won,
    p.close_won AS close_won,
    count(*) OVER last_days AS days,
    CAST(sum(p.close_won) OVER last_days AS SIGNED) AS total_won,
    CAST(sum(p.close_won * p.close_won) OVER last_days AS SIGNED) AS squares_won
FROM stock_prices AS p
WHERE
    p.volume > 0
    AND p.symbol IN (SELECT j.symbol FROM json_table(%(symbols)s, '$[*]' COLUMNS (symbol VARCHAR(6) PATH '$')) AS j)
    AND p.price_date >= coalesce(%(since)s, DATE '0001-01-01')
    AND p.price_date <= coalesce(%(until)s, DATE '9999-12-31')
WINDOW last_days AS (PARTITION BY p.symbol ORDER BY p.price_date ROWS BETWEEN %(days_before)s PRECEDING AND CURRENT ROW)
ORDER BY p.symbol, p.price_date
