-- Nobody trades with themselves: the accounts of both sides belong to different users.
-- DISTINCT keeps the owners a table of its own: in memory, with a key, at a tenth of what it takes to look an account up for
-- each trade.
WITH owners AS (
    SELECT DISTINCT account_id, user_id
    FROM accounts
),
wrong AS (
    SELECT t.trade_id, ba.user_id
    FROM trades AS t
    STRAIGHT_JOIN orders AS b ON b.order_id = t.buy_order_id
    STRAIGHT_JOIN orders AS s ON s.order_id = t.sell_order_id
    STRAIGHT_JOIN owners AS ba ON ba.account_id = b.account_id
    STRAIGHT_JOIN owners AS sa ON sa.account_id = s.account_id
    WHERE ba.user_id = sa.user_id
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY trade_id) AS place_no,
        count(*) OVER () AS violations,
        concat_ws(' ', 'trade', trade_id) AS entity,
        'two users' AS expected,
        concat_ws(' ', 'user', user_id, 'on both sides') AS found
    FROM wrong
    ORDER BY place_no
    LIMIT 20
),
looked AS (
    SELECT (SELECT count(*) FROM trades WHERE buy_order_id IS NOT NULL AND sell_order_id IS NOT NULL) AS looked_at
)
SELECT l.looked_at, coalesce(s.violations, 0) AS violations, s.entity, s.expected, s.found
FROM looked AS l
LEFT JOIN shown AS s ON 1 = 1
ORDER BY s.place_no
