-- Shares reserved in a position are what its open sell orders have still to sell.
WITH sides AS (
    SELECT account_id, symbol, reserved_quantity, 0 AS due
    FROM positions
    WHERE reserved_quantity <> 0
    UNION ALL
    SELECT account_id, symbol, 0, quantity - filled_quantity
    FROM orders
    WHERE status = 'open' AND side = 'sell'
),
wrong AS (
    SELECT account_id, symbol, sum(reserved_quantity) AS reserved_quantity, sum(due) AS due
    FROM sides
    GROUP BY account_id, symbol
    HAVING sum(reserved_quantity) <> sum(due)
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY account_id, symbol) AS place_no,
        count(*) OVER () AS violations,
        concat_ws(' ', 'account', account_id, 'position', symbol) AS entity,
        concat_ws(' ', due, 'shares reserved') AS expected,
        concat_ws(' ', reserved_quantity, 'shares reserved') AS found
    FROM wrong
    ORDER BY place_no
    LIMIT 20
),
looked AS (
    SELECT (SELECT count(*) FROM positions) AS looked_at
)
SELECT l.looked_at, coalesce(s.violations, 0) AS violations, s.entity, s.expected, s.found
FROM looked AS l
LEFT JOIN shown AS s ON 1 = 1
ORDER BY s.place_no
