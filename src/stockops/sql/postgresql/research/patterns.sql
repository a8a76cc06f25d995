-- The newest patterns, the strongest of a day first. Needs: SELECT on patterns, stocks.
SELECT
    p.price_date AS price_date,
    p.symbol AS symbol,
    s.name AS name,
    p.kind AS kind,
    p.strength AS strength
FROM patterns AS p
JOIN stocks AS s ON s.symbol = p.symbol
WHERE (%(symbol)s::text IS NULL OR p.symbol = %(symbol)s::text) AND (%(kind)s::text IS NULL OR p.kind = %(kind)s::text)
ORDER BY p.price_date DESC, p.kind, p.strength DESC, p.symbol
LIMIT %(row_limit)s::bigint
