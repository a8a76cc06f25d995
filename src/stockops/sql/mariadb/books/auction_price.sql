-- Each auction was uncrossed at a price at which most could be traded, and of several with the least left over; all its trades were at it and at its end, and nobody better was passed over.
-- The book of an auction: what orders before its end had left then. Its shares went to the better limit, then to the earlier
-- order, so what each got follows from the volume. A trade that names an auction which is not there is looked at, too.
WITH ended AS (
    SELECT auction_id, symbol, business_date, price_won, volume, ends_at, uncrossed_event_id AS event_id
    FROM auctions
    WHERE status = 'uncrossed'
),
resting AS (
    SELECT e.auction_id, e.event_id, e.volume, o.order_id, o.side, o.limit_won, o.quantity
    FROM ended AS e
    STRAIGHT_JOIN orders AS o
        ON o.symbol = e.symbol AND o.business_date = e.business_date AND o.kind = 'limit' AND o.status <> 'rejected'
        AND o.order_id < e.event_id AND coalesce(o.closed_event_id, 9223372036854775807) >= e.event_id
),
filled AS (
    SELECT r.auction_id, r.order_id, t.trade_id, t.auction_id AS traded_in, t.quantity
    FROM resting AS r
    STRAIGHT_JOIN trades AS t ON t.buy_order_id = r.order_id
    UNION ALL
    SELECT r.auction_id, r.order_id, t.trade_id, t.auction_id, t.quantity
    FROM resting AS r
    STRAIGHT_JOIN trades AS t ON t.sell_order_id = r.order_id
),
book AS (
    SELECT
        r.auction_id, r.volume, r.order_id, r.side, r.limit_won, r.quantity - coalesce(sum(CASE WHEN f.trade_id < r.event_id THEN f.quantity END), 0) AS remaining,
        coalesce(sum(CASE WHEN f.traded_in = r.auction_id THEN f.quantity END), 0) AS got
    FROM resting AS r
    LEFT JOIN filled AS f ON f.auction_id = r.auction_id AND f.order_id = r.order_id
    GROUP BY r.auction_id, r.event_id, r.volume, r.order_id, r.side, r.limit_won, r.quantity
),
levels AS (
    SELECT auction_id, price_won, sum(asked) AS asked, sum(offered) AS offered
    FROM (
        SELECT
            auction_id, limit_won AS price_won, CASE side WHEN 'buy' THEN remaining ELSE 0 END AS asked, CASE side WHEN 'sell' THEN remaining ELSE 0 END AS offered
        FROM book
        UNION ALL
        SELECT auction_id, price_won, 0, 0 FROM ended WHERE price_won IS NOT NULL
    ) AS l
    GROUP BY auction_id, price_won
),
possible AS (
    SELECT
        auction_id, price_won, sum(asked) OVER (PARTITION BY auction_id ORDER BY price_won DESC) AS asked,
        sum(offered) OVER (PARTITION BY auction_id ORDER BY price_won) AS offered
    FROM levels
),
ranked AS (
    SELECT
        auction_id, price_won, least(asked, offered) AS shares, abs(asked - offered) AS left_over,
        row_number() OVER (PARTITION BY auction_id ORDER BY least(asked, offered) DESC, abs(asked - offered), price_won) AS place_no
    FROM possible
),
dealt AS (
    SELECT
        auction_id, sum(quantity) AS shares, min(price_won) AS lowest_won, max(price_won) AS highest_won, min(symbol) AS symbol,
        max(symbol) AS last_symbol, min(trade_id) AS first_id, min(business_date) AS business_date, max(business_date) AS last_date,
        min(traded_at) AS first_at, max(traded_at) AS last_at
    FROM trades
    WHERE auction_id IS NOT NULL
    GROUP BY auction_id
),
queued AS (
    SELECT
        auction_id, order_id, got, volume, remaining,
        sum(remaining) OVER (PARTITION BY auction_id, side ORDER BY CASE side WHEN 'buy' THEN -limit_won ELSE limit_won END, order_id) - remaining AS ahead
    FROM book
),
wrong AS (
    SELECT
        e.auction_id, 0 AS order_id, concat_ws(' ', coalesce(b.shares, 0), 'shares traded, of which', coalesce(b.left_over, 0), 'or fewer are left over') AS due,
        concat_ws(' ', e.volume, 'at', e.price_won, 'with', c.left_over, 'left over') AS stated
    FROM ended AS e
    LEFT JOIN ranked AS b ON b.auction_id = e.auction_id AND b.place_no = 1
    LEFT JOIN ranked AS c ON c.auction_id = e.auction_id AND c.price_won = e.price_won
    WHERE
        e.volume <> coalesce(b.shares, 0)
        OR (e.volume > 0 AND (c.shares <> e.volume OR c.left_over > b.left_over))
    UNION ALL
    SELECT
        coalesce(e.auction_id, d.auction_id), 0, concat_ws(' ', 'trades of', coalesce(e.volume, 0), 'shares of', e.symbol, 'at', e.price_won, 'on', e.ends_at),
        concat_ws(' ', coalesce(d.shares, 0), 'shares of', d.symbol, 'at', d.lowest_won, 'to', d.highest_won, 'on', d.first_at, 'to', d.last_at)
    FROM (SELECT auction_id FROM ended WHERE volume > 0 UNION SELECT auction_id FROM dealt) AS a
    LEFT JOIN ended AS e ON e.auction_id = a.auction_id
    LEFT JOIN dealt AS d ON d.auction_id = a.auction_id
    WHERE
        NOT coalesce(e.volume = d.shares AND e.price_won = d.lowest_won AND e.price_won = d.highest_won AND e.symbol = d.symbol AND e.symbol = d.last_symbol
            AND e.business_date = d.business_date AND e.business_date = d.last_date AND e.ends_at = d.first_at AND e.ends_at = d.last_at
            AND d.first_id > e.event_id, FALSE)
    UNION ALL
    SELECT auction_id, order_id, concat_ws(' ', greatest(0, least(remaining, volume - ahead)), 'shares by price and time'), concat_ws(' ', got, 'shares')
    FROM queued
    WHERE got <> greatest(0, least(remaining, volume - ahead))
    UNION ALL
    SELECT coalesce(i.auction_id, a.auction_id), 0, 'one that collects the orders of its issue, and the issue names it', concat_ws(' ', coalesce(i.symbol, a.symbol), a.status)
    FROM (SELECT auction_id FROM stock_inventory WHERE auction_id IS NOT NULL UNION SELECT auction_id FROM auctions WHERE status = 'collecting') AS n
    LEFT JOIN stock_inventory AS i ON i.auction_id = n.auction_id
    LEFT JOIN auctions AS a ON a.auction_id = n.auction_id
    WHERE NOT coalesce(a.status = 'collecting' AND a.symbol = i.symbol, FALSE)
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY auction_id, order_id, stated) AS place_no,
        count(*) OVER () AS violations,
        concat_ws(' ', 'auction', auction_id, CASE WHEN order_id > 0 THEN concat_ws(' ', 'order', order_id) END) AS entity,
        due AS expected,
        stated AS found
    FROM wrong
    ORDER BY place_no
    LIMIT 20
),
looked AS (
    SELECT (SELECT count(*) FROM auctions) + (SELECT count(*) FROM trades) AS looked_at
)
SELECT l.looked_at, coalesce(s.violations, 0) AS violations, s.entity, s.expected, s.found
FROM looked AS l
LEFT JOIN shown AS s ON 1 = 1
ORDER BY s.place_no
