-- Issues that are at a business date up to the given one, and the first business date after it, by symbol.
SELECT i.symbol, n.next_date
FROM stock_inventory AS i
JOIN stocks AS s ON s.symbol = i.symbol
JOIN (SELECT m.market, business_day_after(m.market, %(through)s, 1) AS next_date FROM (SELECT DISTINCT market FROM stocks) AS m) AS n
    ON n.market = s.market
WHERE i.quote_date <= %(through)s
ORDER BY i.symbol
