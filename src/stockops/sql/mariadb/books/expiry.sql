-- Day orders end with their day: every open order is of the business date that its issue is at.
WITH wrong AS (
    SELECT o.order_id, o.symbol, o.business_date, i.quote_date
    FROM orders AS o
    LEFT JOIN stock_inventory AS i ON i.symbol = o.symbol
    WHERE o.status = 'open' AND o.business_date <> coalesce(i.quote_date, DATE '0001-01-01')
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY order_id) AS place_no,
        count(*) OVER () AS violations,
        concat_ws(' ', 'order', order_id) AS entity,
        concat_ws(' ', 'closed before', symbol, 'was at', quote_date) AS expected,
        concat_ws(' ', 'open, of', business_date) AS found
    FROM wrong
    ORDER BY place_no
    LIMIT 20
),
looked AS (
    SELECT (SELECT count(*) FROM orders) AS looked_at
)
SELECT l.looked_at, coalesce(s.violations, 0) AS violations, s.entity, s.expected, s.found
FROM looked AS l
LEFT JOIN shown AS s ON 1 = 1
ORDER BY s.place_no
