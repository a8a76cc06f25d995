-- Patterns that are stored of issues from one code to another. Needs: SELECT on patterns.
SELECT
    p.symbol AS symbol,
    p.price_date AS price_date,
    p.kind AS kind,
    p.strength AS strength
FROM patterns AS p
WHERE
    p.symbol >= %(from_symbol)s AND p.symbol <= %(to_symbol)s
    AND p.price_date >= coalesce(%(since)s, DATE '0001-01-01') AND p.price_date <= coalesce(%(until)s, DATE '9999-12-31')
ORDER BY p.symbol, p.price_date, p.kind
