-- The issues that trade on a date by their daily prices, most value first, with the limits of their day.
-- Needs: SELECT on stocks, stock_inventory, stock_prices.
SELECT s.symbol, s.market, p.open_won, p.high_won, p.low_won, p.close_won, i.base_won, i.lower_won, i.upper_won
FROM stock_prices AS p
JOIN stocks AS s ON s.symbol = p.symbol
JOIN stock_inventory AS i ON i.symbol = p.symbol
WHERE p.price_date = %(on)s::date AND p.volume > 0 AND s.status = 'listed'
ORDER BY p.value_won DESC, s.symbol
