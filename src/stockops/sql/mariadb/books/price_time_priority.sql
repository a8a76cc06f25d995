-- No order was filled while a better-priced one, or an earlier one at the same price, was open; the house never traded while a resting order within the limit was.
-- An order is open from its own event to the one that closed it. `worth` is the limit, turned so that less is better on
-- both sides; the house stands behind every order that the taker's limit reaches.
-- Time: within one price, every earlier order has closed before an order's first fill.
-- Price: the fills are numbered, side by side. The life of an order is a span of these numbers, and no fill in it may
-- reach a worse worth. Blocks of 128 fills keep their worst, so that a long life looks at few fills.
WITH rested AS (
    SELECT
        order_id, symbol, side, coalesce(closed_event_id, 9223372036854775807) AS closed_id,
        CASE WHEN side = 'sell' THEN limit_won ELSE -limit_won END AS worth
    FROM orders
    WHERE kind = 'limit' AND status <> 'rejected'
),
makers AS (
    SELECT
        trade_id, symbol,
        CASE WHEN taker_side = 'buy' THEN 'sell' ELSE 'buy' END AS side,
        CASE WHEN taker_side = 'buy' THEN sell_order_id ELSE buy_order_id END AS maker_id,
        CASE WHEN taker_side = 'buy' THEN buy_order_id ELSE sell_order_id END AS taker_id
    FROM trades
),
fills AS (
    SELECT
        f.trade_id, f.symbol, f.side,
        CASE
            WHEN f.side = 'sell' THEN coalesce(m.limit_won, k.limit_won + 1, 9223372036854775807)
            ELSE coalesce(-m.limit_won, 1 - k.limit_won, 9223372036854775807)
        END AS worth,
        row_number() OVER (ORDER BY f.symbol, f.side, f.trade_id) AS fill_no,
        (row_number() OVER (ORDER BY f.symbol, f.side, f.trade_id) - 1) DIV 128 AS block_no
    FROM makers AS f
    LEFT JOIN orders AS m ON m.order_id = f.maker_id
    LEFT JOIN orders AS k ON k.order_id = f.taker_id
),
first_fills AS (
    SELECT maker_id AS order_id, min(trade_id) AS trade_id
    FROM makers
    WHERE maker_id IS NOT NULL
    GROUP BY maker_id
),
queues AS (
    SELECT
        order_id,
        max(closed_id) OVER (PARTITION BY symbol, side, worth ORDER BY order_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS ahead_id
    FROM rested
),
events AS (
    SELECT symbol, side, trade_id AS event_id, 1 AS filled, 0 AS order_id, 0 AS worth FROM makers
    UNION ALL
    SELECT symbol, side, order_id, 0, order_id, worth FROM rested
    UNION ALL
    SELECT symbol, side, closed_id, 0, order_id, worth FROM rested
),
counted AS (
    SELECT
        order_id, symbol, side, worth, filled,
        sum(filled) OVER (ORDER BY symbol, side, event_id, filled ROWS UNBOUNDED PRECEDING) AS fills_before
    FROM events
),
spans AS (
    SELECT order_id, symbol, side, worth, min(fills_before) AS after_no, max(fills_before) AS to_no
    FROM counted
    WHERE filled = 0
    GROUP BY order_id, symbol, side, worth
    HAVING max(fills_before) > min(fills_before)
),
blocks AS (
    SELECT symbol, side, block_no, max(worth) AS worst
    FROM fills
    GROUP BY symbol, side, block_no
),
suspects AS (
    SELECT s.order_id, s.worth, s.after_no, s.to_no, b.block_no
    FROM spans AS s
    JOIN blocks AS b
        ON b.symbol = s.symbol AND b.side = s.side AND b.worst > s.worth
        AND b.block_no >= s.after_no DIV 128 AND b.block_no <= (s.to_no - 1) DIV 128
),
wrong AS (
    SELECT f.trade_id, min(s.order_id) AS order_id, 'a better price' AS fault
    FROM suspects AS s
    JOIN fills AS f
        ON f.block_no = s.block_no AND f.fill_no > s.after_no AND f.fill_no <= s.to_no AND f.worth > s.worth
    GROUP BY f.trade_id
    UNION ALL
    SELECT f.trade_id, f.order_id, 'an earlier order at the price'
    FROM queues AS q
    JOIN first_fills AS f ON f.order_id = q.order_id
    WHERE q.ahead_id > f.trade_id
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY trade_id, fault) AS place_no,
        count(*) OVER () AS violations,
        concat_ws(' ', 'trade', trade_id) AS entity,
        'the best price first, and the earliest at that price' AS expected,
        CASE fault WHEN 'a better price' THEN concat_ws(' ', 'the better price of order', order_id, 'was open') ELSE concat_ws(' ', fault, 'of order', order_id, 'was open') END AS found
    FROM wrong
    ORDER BY place_no
    LIMIT 20
),
looked AS (
    SELECT (SELECT count(*) FROM trades) AS looked_at
)
SELECT l.looked_at, coalesce(s.violations, 0) AS violations, s.entity, s.expected, s.found
FROM looked AS l
LEFT JOIN shown AS s ON 1 = 1
ORDER BY s.place_no
