-- No order was filled while a better-priced one, or an earlier one at the same price, was open; the house never traded while a resting order within the limit was; auctions have an invariant of their own.
-- An order is open from its own event to the one that closed it. `worth` is the limit, turned so that less is better on
-- both sides, which makes the two sides differ by its sign; the house stands behind every order that the taker's limit reaches.
-- Time: within one price, every earlier order has closed before an order's first fill. A running maximum looks at the whole
-- frame for each row (seen on 10.11), so it is asked only of prices at which an order came while the one before it was open,
-- or was filled before it came: within groups of 64 orders, and over these groups.
-- Price: no fill in the life of an order may reach a worse worth. Most lives lie between the fills of the date before and
-- those of the date after: such an order is above suspicion where no fill of its date was worse, else it is held to the
-- blocks that its date's fills stand in, as many as there are fills in one, each with its worst worth. All other orders
-- are held to the blocks of all dates, which are there a second time under the date 0001-01-01.
WITH rested AS (
    SELECT
        order_id, symbol, side, business_date, coalesce(closed_event_id, 9223372036854775807) AS closed_id,
        CASE WHEN side = 'sell' THEN limit_won ELSE -limit_won END AS worth
    FROM orders
    WHERE kind = 'limit' AND status <> 'rejected'
),
makers AS (
    SELECT
        trade_id, symbol, business_date,
        CASE WHEN taker_side = 'buy' THEN 'sell' ELSE 'buy' END AS side,
        CASE WHEN taker_side = 'buy' THEN sell_order_id ELSE buy_order_id END AS maker_id,
        CASE WHEN taker_side = 'buy' THEN buy_order_id ELSE sell_order_id END AS taker_id
    FROM trades
    WHERE auction_id IS NULL
),
fills AS (
    SELECT
        f.trade_id, f.symbol, f.side, f.business_date,
        -- Of the house: behind the limit of the taker, which is behind everything where it has none.
        coalesce(
            CASE WHEN f.side = 'sell' THEN q.limit_won ELSE -q.limit_won END + CASE WHEN f.maker_id IS NULL THEN 1 ELSE 0 END,
            9223372036854775807
        ) AS worth
    FROM makers AS f
    LEFT JOIN orders AS q ON q.order_id = coalesce(f.maker_id, f.taker_id)
),
dates AS (
    -- Dates come before symbols: the other way round a key in memory takes four times as long to look up.
    SELECT
        business_date, symbol, min(trade_id) AS first_id, max(trade_id) AS last_id,
        max(CASE WHEN side = 'sell' THEN worth END) AS worst_sell, max(CASE WHEN side = 'buy' THEN worth END) AS worst_buy
    FROM fills
    GROUP BY business_date, symbol
),
days AS (
    SELECT
        business_date, symbol, worst_sell, worst_buy,
        coalesce(max(last_id) OVER (PARTITION BY symbol ORDER BY business_date ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), -9223372036854775807) AS before_id,
        coalesce(
            min(first_id) OVER (PARTITION BY symbol ORDER BY business_date DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 9223372036854775807
        ) AS after_id
    FROM dates
),
suspects AS (
    SELECT
        r.order_id, r.closed_id, r.worth, r.symbol, r.side,
        CASE WHEN r.order_id >= d.before_id AND r.closed_id <= d.after_id THEN r.business_date ELSE DATE '0001-01-01' END AS block_date
    FROM rested AS r
    LEFT JOIN days AS d ON d.business_date = r.business_date AND d.symbol = r.symbol
    WHERE NOT coalesce(r.order_id >= d.before_id AND r.closed_id <= d.after_id, FALSE) OR CASE WHEN r.side = 'sell' THEN d.worst_sell ELSE d.worst_buy END > r.worth
),
numbered AS (
    SELECT
        trade_id, symbol, side, business_date, worth,
        floor(
            row_number() OVER (PARTITION BY symbol, side, business_date ORDER BY trade_id)
            / greatest(ceil(sqrt(count(*) OVER (PARTITION BY symbol, side, business_date))), 1)
        ) AS block_no
    FROM fills
),
blocks AS (
    SELECT
        n.symbol, n.side, CASE w.way WHEN 1 THEN n.business_date ELSE DATE '0001-01-01' END AS block_date, n.business_date, n.block_no,
        max(n.worth) AS worst, min(n.trade_id) AS first_id, max(n.trade_id) AS last_id
    FROM numbered AS n
    CROSS JOIN (SELECT 1 AS way UNION ALL SELECT 2) AS w
    GROUP BY n.symbol, n.side, w.way, n.business_date, n.block_no
),
passed AS (
    SELECT s.order_id, s.closed_id, s.worth, b.symbol, b.side, b.business_date, b.block_no
    FROM suspects AS s
    STRAIGHT_JOIN blocks AS b
        ON b.symbol = s.symbol AND b.side = s.side AND b.block_date = s.block_date
        AND b.worst > s.worth AND b.last_id > s.order_id AND b.first_id < s.closed_id
),
first_fills AS (
    SELECT maker_id AS order_id, min(trade_id) AS trade_id
    FROM makers
    WHERE maker_id IS NOT NULL
    GROUP BY maker_id
),
followed AS (
    SELECT symbol, worth, order_id, lag(closed_id) OVER (PARTITION BY symbol, worth ORDER BY order_id) AS ahead_id
    FROM rested
),
crowded AS (
    SELECT f.symbol, f.worth
    FROM followed AS f
    WHERE f.ahead_id > f.order_id OR f.order_id IN (SELECT m.maker_id FROM makers AS m WHERE m.trade_id <= m.maker_id)
    GROUP BY f.symbol, f.worth
),
lined AS (
    SELECT symbol, worth, order_id, closed_id, row_number() OVER (PARTITION BY symbol, worth ORDER BY order_id) DIV 64 AS group_no
    FROM rested
),
queues AS (
    SELECT
        symbol, worth, group_no, order_id,
        coalesce(max(closed_id) OVER (PARTITION BY symbol, worth, group_no ORDER BY order_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), -9223372036854775807) AS ahead_id
    FROM lined
),
sections AS (
    SELECT symbol, worth, group_no, max(closed_id) AS closed_id
    FROM lined
    GROUP BY symbol, worth, group_no
),
heads AS (
    SELECT
        symbol, worth, group_no,
        coalesce(max(closed_id) OVER (PARTITION BY symbol, worth ORDER BY group_no ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), -9223372036854775807) AS ahead_id
    FROM sections
),
wrong AS (
    SELECT f.trade_id, min(s.order_id) AS order_id, 'a better price' AS fault
    FROM passed AS s
    STRAIGHT_JOIN numbered AS f
        ON f.symbol = s.symbol AND f.side = s.side AND f.business_date = s.business_date AND f.block_no = s.block_no
        AND f.trade_id > s.order_id AND f.trade_id < s.closed_id AND f.worth > s.worth
    GROUP BY f.trade_id
    UNION ALL
    SELECT f.trade_id, f.order_id, 'an earlier order at the price'
    FROM crowded AS c
    STRAIGHT_JOIN queues AS q ON q.symbol = c.symbol AND q.worth = c.worth
    STRAIGHT_JOIN heads AS h ON h.symbol = q.symbol AND h.worth = q.worth AND h.group_no = q.group_no
    STRAIGHT_JOIN first_fills AS f ON f.order_id = q.order_id
    WHERE greatest(q.ahead_id, h.ahead_id) > f.trade_id
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
