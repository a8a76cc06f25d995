-- The filled quantity of every order is the sum of its trades, and its status and closing event agree with it.
-- Both sides come in the order of the orders' numbers, in which they were written, more or less.
WITH sides AS (
    SELECT buy_order_id AS order_id, quantity, trade_id FROM trades WHERE buy_order_id IS NOT NULL
    UNION ALL
    SELECT sell_order_id, quantity, trade_id FROM trades WHERE sell_order_id IS NOT NULL
),
fills AS (
    SELECT order_id, sum(quantity) AS quantity, max(trade_id) AS last_trade_id
    FROM (SELECT * FROM sides ORDER BY order_id) AS s
    GROUP BY order_id
),
wrong AS (
    SELECT o.order_id, o.status, o.quantity, o.filled_quantity, coalesce(f.quantity, 0) AS traded, o.closed_event_id
    FROM (SELECT * FROM orders ORDER BY order_id) AS o
    LEFT JOIN fills AS f ON f.order_id = o.order_id
    WHERE
        o.filled_quantity <> coalesce(f.quantity, 0)
        OR NOT coalesce(CASE o.status
            WHEN 'open' THEN o.kind = 'limit' AND o.filled_quantity < o.quantity AND o.closed_event_id IS NULL
            WHEN 'filled' THEN o.filled_quantity = o.quantity AND o.closed_event_id = f.last_trade_id
            WHEN 'cancelled' THEN o.filled_quantity < o.quantity AND o.closed_event_id >= coalesce(f.last_trade_id, o.order_id)
            WHEN 'rejected' THEN o.filled_quantity = 0 AND o.closed_event_id = o.order_id
        END, FALSE)
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY order_id) AS place_no,
        count(*) OVER () AS violations,
        concat_ws(' ', 'order', order_id) AS entity,
        concat_ws(' ', traded, 'of', quantity, 'filled, as its trades say, and a status that agrees') AS expected,
        concat_ws(' ', filled_quantity, 'filled,', status, 'closed by', coalesce(closed_event_id, 0)) AS found
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
