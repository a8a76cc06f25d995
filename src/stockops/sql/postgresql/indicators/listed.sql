-- The last days of one issue that have prices, up to a date where one is given, with the indicators of each: none on a day
-- without a trade, and on one that they were not computed for yet.
-- Needs: SELECT on stock_prices and technical_indicators.
SELECT
    p.symbol,
    p.price_date,
    p.volume,
    p.close_won,
    t.day_no,
    t.sma_20,
    t.sma_50,
    t.sma_200,
    t.bollinger_upper,
    t.bollinger_lower,
    t.rsi_14,
    t.macd,
    t.macd_signal,
    t.macd_histogram,
    t.stochastic_k,
    t.stochastic_d,
    t.stochastic_slow_d
FROM stock_prices AS p
LEFT JOIN technical_indicators AS t ON t.symbol = p.symbol AND t.price_date = p.price_date
WHERE p.symbol = %(symbol)s AND p.price_date <= coalesce(%(until)s::date, 'infinity'::date)
ORDER BY p.price_date DESC
LIMIT %(row_limit)s
