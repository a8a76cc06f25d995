-- The traded days of one issue, the widest price limit its market has had, and the indicators that are stored of each day.
-- Needs: SELECT on stocks, stock_prices, price_limits and technical_indicators.
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
    t.stochastic_slow_d,
    p.high_won,
    p.low_won,
    (SELECT max(n.limit_bp) FROM price_limits AS n WHERE n.market = s.market) AS limit_bp
FROM stocks AS s
JOIN stock_prices AS p ON p.symbol = s.symbol
LEFT JOIN technical_indicators AS t ON t.symbol = p.symbol AND t.price_date = p.price_date
WHERE s.symbol = %(symbol)s AND p.volume > 0
ORDER BY p.price_date
