-- Which issues moved most on the last business date, up or down, from the day's base price.
-- Needs: SELECT on stocks, stock_inventory.
SELECT
    k.symbol AS symbol,
    k.name AS name,
    k.market AS market,
    i.quote_date AS quote_date,
    i.base_won AS base_won,
    i.last_won AS last_won,
    i.last_won - i.base_won AS change_won,
    round(100.0 * (i.last_won - i.base_won) / i.base_won, 2) AS change_percent
FROM stock_inventory AS i
JOIN stocks AS k ON k.symbol = i.symbol
WHERE
    i.quote_date = (SELECT max(n.quote_date) FROM stock_inventory AS n) AND i.last_won <> i.base_won
    AND (%(market)s::text IS NULL OR k.market = %(market)s::text)
ORDER BY abs(round(100.0 * (i.last_won - i.base_won) / i.base_won, 2)) DESC, k.symbol
LIMIT %(row_limit)s::bigint
