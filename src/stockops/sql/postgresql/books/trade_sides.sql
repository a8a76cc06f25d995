-- Both sides of every trade fit: side, issue, business date, limit, the price of the order that rested, and who came later; in an auction the single price is another invariant's.
WITH judged AS (
    SELECT
        t.trade_id,
        CASE
            WHEN t.buy_order_id IS NULL AND t.sell_order_id IS NULL THEN 'the house on both sides'
            WHEN t.buy_order_id IS NOT NULL AND b.order_id IS NULL THEN 'a buy order that is not there'
            WHEN t.sell_order_id IS NOT NULL AND s.order_id IS NULL THEN 'a sell order that is not there'
            WHEN (t.taker_side = 'buy' AND b.order_id IS NULL) OR (t.taker_side = 'sell' AND s.order_id IS NULL) THEN 'the house as the taker'
            WHEN b.side <> 'buy' OR s.side <> 'sell' THEN 'an order of the other side'
            WHEN b.symbol <> t.symbol OR s.symbol <> t.symbol THEN 'an order of another issue'
            WHEN b.business_date <> t.business_date OR s.business_date <> t.business_date THEN 'an order of another business date'
            WHEN b.status = 'rejected' OR s.status = 'rejected' THEN 'a rejected order'
            WHEN t.price_won > b.limit_won THEN concat_ws(' ', 'bought at', t.price_won, 'above the limit', b.limit_won)
            WHEN t.price_won < s.limit_won THEN concat_ws(' ', 'sold at', t.price_won, 'below the limit', s.limit_won)
            WHEN t.trade_id <= b.order_id OR t.trade_id <= s.order_id THEN 'a trade before its order'
            WHEN t.taker_side = 'buy' AND (s.order_id > b.order_id OR s.kind <> 'limit') THEN 'a taker that came first'
            WHEN t.taker_side = 'sell' AND (b.order_id > s.order_id OR b.kind <> 'limit') THEN 'a taker that came first'
            WHEN t.auction_id IS NULL AND t.taker_side = 'buy' AND s.limit_won <> t.price_won THEN concat_ws(' ', 'at', t.price_won, 'and the resting order asked', s.limit_won)
            WHEN t.auction_id IS NULL AND t.taker_side = 'sell' AND b.limit_won <> t.price_won THEN concat_ws(' ', 'at', t.price_won, 'and the resting order bid', b.limit_won)
        END AS fault
    FROM trades AS t
    LEFT JOIN orders AS b ON b.order_id = t.buy_order_id
    LEFT JOIN orders AS s ON s.order_id = t.sell_order_id
),
wrong AS (
    SELECT trade_id, fault
    FROM judged
    WHERE fault IS NOT NULL
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY trade_id) AS place_no,
        count(*) OVER () AS violations,
        concat_ws(' ', 'trade', trade_id) AS entity,
        'both sides fit' AS expected,
        fault AS found
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
