-- Which issues there are, and between which prices each may trade on a business date.
-- Needs: SELECT on stocks, stock_inventory; EXECUTE on price_on, lower_limit_won, upper_limit_won.
SELECT
    k.symbol,
    k.status,
    CASE WHEN i.quote_date = %(on)s THEN i.lower_won ELSE lower_limit_won(k.market, %(on)s, price_on(k.symbol, %(on)s)) END AS lower_won,
    CASE WHEN i.quote_date = %(on)s THEN i.upper_won ELSE upper_limit_won(k.market, %(on)s, price_on(k.symbol, %(on)s)) END AS upper_won
FROM stocks AS k
JOIN stock_inventory AS i ON i.symbol = k.symbol
ORDER BY k.symbol
