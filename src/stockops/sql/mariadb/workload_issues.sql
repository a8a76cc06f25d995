-- Which issues take orders on a business date, with the price that trading starts from and the day's limits.
-- The limits are of quote_date: a later business date gets its own with its first order.
-- Needs: SELECT on stocks, stock_inventory, stock_prices.
SELECT
    i.symbol AS symbol,
    COALESCE(
        (
            SELECT p.close_won
            FROM stock_prices AS p
            WHERE p.symbol = i.symbol AND p.price_date >= i.quote_date AND p.price_date < %(business_date)s
            ORDER BY p.price_date DESC
            LIMIT 1
        ),
        i.last_won
    ) AS last_won,
    i.quote_date AS quote_date,
    i.lower_won AS lower_won,
    i.upper_won AS upper_won
FROM stock_inventory AS i
JOIN stocks AS s ON s.symbol = i.symbol
WHERE s.status = 'listed' AND i.quote_date <= %(business_date)s
ORDER BY i.symbol
