-- The logical content of all of stock_prices, one line of the answer for each symbol: the same text on both engines.
-- Needs: SELECT on stock_prices.
SELECT
    group_concat(concat_ws(
        '|', t.symbol, t.price_date, t.open_won, t.high_won, t.low_won, t.close_won, t.volume, t.value_won
    ) ORDER BY t.price_date SEPARATOR '\n') AS block,
    count(*) AS line_count
FROM stock_prices AS t
GROUP BY t.symbol
ORDER BY t.symbol
