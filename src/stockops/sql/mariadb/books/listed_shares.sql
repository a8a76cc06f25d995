-- What customers hold of an issue and the house inventory add up to the shares listed.
WITH held AS (
    SELECT symbol, sum(quantity) AS quantity
    FROM positions IGNORE INDEX (positions_symbol_ix)
    GROUP BY symbol
),
wrong AS (
    SELECT s.symbol, s.listed_shares, coalesce(h.quantity, 0) AS held, coalesce(i.available_shares, 0) AS available_shares
    FROM stocks AS s
    LEFT JOIN stock_inventory AS i ON i.symbol = s.symbol
    LEFT JOIN held AS h ON h.symbol = s.symbol
    WHERE coalesce(h.quantity, 0) + coalesce(i.available_shares, 0) <> s.listed_shares
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY symbol) AS place_no,
        count(*) OVER () AS violations,
        concat_ws(' ', 'issue', symbol) AS entity,
        concat_ws(' ', listed_shares, 'shares') AS expected,
        concat_ws(' ', held, 'held and', available_shares, 'in the inventory') AS found
    FROM wrong
    ORDER BY place_no
    LIMIT 20
),
looked AS (
    SELECT (SELECT count(*) FROM stocks) AS looked_at
)
SELECT l.looked_at, coalesce(s.violations, 0) AS violations, s.entity, s.expected, s.found
FROM looked AS l
LEFT JOIN shown AS s ON 1 = 1
ORDER BY s.place_no
