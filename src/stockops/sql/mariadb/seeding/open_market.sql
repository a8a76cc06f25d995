-- Opens the market on the seed's date: one row for each issue, computed by the database's own functions.
-- By its index on symbol, the server would look up each position by itself, all over the table.
INSERT INTO stock_inventory (
    symbol, available_shares, last_won, quote_date, base_won, lower_won, upper_won, settles_on, sell_tax_rate
)
SELECT
    s.symbol,
    s.listed_shares - coalesce(h.quantity, 0),
    p.close_won,
    p.price_date,
    p.close_won,
    lower_limit_won(s.market, p.price_date, p.close_won),
    upper_limit_won(s.market, p.price_date, p.close_won),
    d.settles_on,
    (
        SELECT t.sell_rate FROM tax_rates AS t
        WHERE t.market = s.market AND t.settles_from <= d.settles_on ORDER BY t.settles_from DESC LIMIT 1
    )
FROM stocks AS s
JOIN stock_prices AS p ON p.symbol = s.symbol AND p.price_date = %(on)s
JOIN (
    SELECT m.market, business_day_after(m.market, %(on)s, 2) AS settles_on
    FROM (SELECT DISTINCT k.market FROM stocks AS k) AS m
    GROUP BY m.market
) AS d ON d.market = s.market
LEFT JOIN (
    SELECT q.symbol, CAST(sum(q.quantity) AS SIGNED) AS quantity
    FROM positions AS q IGNORE INDEX (positions_symbol_ix)
    GROUP BY q.symbol
) AS h ON h.symbol = s.symbol
ORDER BY s.symbol
