-- No order was filled while a better-priced one, or an earlier one at the same price, was open; the house never traded while a resting order within the limit was; auctions have an invariant of their own.
-- An order is open from its own event to the one that closed it. `worth` is the limit, turned so that less is better on
-- both sides; the house stands behind every order that the taker's limit reaches.
-- Time: within one price, every earlier order has closed before an order's first fill.
-- Price: no fill in the life of an order may reach a worse worth. The fills of a side stand in blocks, as many as there
-- are fills in one; a block keeps its worst worth, so that a long life looks at few fills.
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
    WHERE auction_id IS NULL
),
fills AS MATERIALIZED (
    SELECT
        f.trade_id, f.symbol, f.side,
        -- Of the house: behind the limit of the taker, which is behind everything where it has none.
        coalesce(
            CASE WHEN f.side = 'sell' THEN q.limit_won ELSE -q.limit_won END + CASE WHEN f.maker_id IS NULL THEN 1 ELSE 0 END,
            9223372036854775807
        ) AS worth,
        floor(
            row_number() OVER (PARTITION BY f.symbol, f.side ORDER BY f.trade_id) / greatest(ceil(sqrt(count(*) OVER (PARTITION BY f.symbol, f.side))), 1)
        ) AS block_no
    FROM makers AS f
    LEFT JOIN orders AS q ON q.order_id = coalesce(f.maker_id, f.taker_id)
),
blocks AS (
    SELECT symbol, side, block_no, max(worth) AS worst, min(trade_id) AS first_id, max(trade_id) AS last_id
    FROM fills
    GROUP BY symbol, side, block_no
),
suspects AS MATERIALIZED (
    SELECT r.order_id, r.closed_id, r.worth, r.symbol, r.side, b.block_no
    FROM rested AS r
    JOIN blocks AS b ON b.symbol = r.symbol AND b.side = r.side AND b.worst > r.worth AND b.last_id > r.order_id AND b.first_id < r.closed_id
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
wrong AS (
    SELECT f.trade_id, min(s.order_id) AS order_id, 'a better price' AS fault
    FROM suspects AS s
    JOIN fills AS f
        ON f.symbol = s.symbol AND f.side = s.side AND f.block_no = s.block_no
        AND f.trade_id > s.order_id AND f.trade_id < s.closed_id AND f.worth > s.worth
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
