-- Everything that happened to an order, or to a user, in the order of the market's time: audit rows, trades, messages.
-- What was logged on another day than its business date, as in a lab, counts as the end of that date.
-- Needs: SELECT on audit_log, orders, accounts, trades, notifications, rebalances.
WITH concerned AS (
    SELECT o.order_id, o.placed_at, o.closed_event_id, a.user_id
    FROM orders AS o
    JOIN accounts AS a ON a.account_id = o.account_id
    WHERE o.order_id = %(order_id)s
    UNION ALL
    SELECT o.order_id, o.placed_at, o.closed_event_id, a.user_id
    FROM accounts AS a
    JOIN orders AS o ON o.account_id = a.account_id
    WHERE %(order_id)s IS NULL AND a.user_id = %(user_id)s
),
rebalanced AS (
    SELECT r.rebalance_id, r.started_at, r.finished_at
    FROM rebalances AS r
    JOIN accounts AS a ON a.account_id = r.account_id
    WHERE a.user_id = %(user_id)s
),
happened AS (
    SELECT
        CASE
            WHEN l.action = 'place' AND c.placed_at IS NOT NULL THEN c.placed_at
            WHEN l.action = 'start' AND r.started_at IS NOT NULL THEN r.started_at
            WHEN l.action = 'finish' AND r.finished_at IS NOT NULL THEN r.finished_at
            WHEN date(l.logged_at + INTERVAL 9 HOUR) = l.business_date THEN l.logged_at
            ELSE CAST(l.business_date AS DATETIME(6)) + INTERVAL 15 HOUR
        END AS happened_at,
        l.audit_id AS event_no, l.user_id, l.action AS what, concat_ws(' ', l.entity, l.entity_id) AS subject, l.detail
    FROM audit_log AS l
    LEFT JOIN concerned AS c ON l.entity = 'order' AND l.entity_id = CAST(c.order_id AS CHAR)
    LEFT JOIN rebalanced AS r ON l.entity = 'rebalance' AND l.entity_id = CAST(r.rebalance_id AS CHAR)
    WHERE
        l.user_id = CASE WHEN %(order_id)s IS NULL THEN %(user_id)s ELSE (
            SELECT a.user_id FROM orders AS o JOIN accounts AS a ON a.account_id = o.account_id WHERE o.order_id = %(order_id)s
        ) END
        AND (%(order_id)s IS NULL OR c.order_id IS NOT NULL)
    UNION ALL
    SELECT
        t.traded_at, t.trade_id, c.user_id, 'trade', concat_ws(' ', 'order', c.order_id),
        concat_ws(' ', 'bought', t.quantity, t.symbol, 'at', t.price_won)
    FROM concerned AS c
    JOIN trades AS t ON t.buy_order_id = c.order_id
    UNION ALL
    SELECT
        t.traded_at, t.trade_id, c.user_id, 'trade', concat_ws(' ', 'order', c.order_id),
        concat_ws(' ', 'sold', t.quantity, t.symbol, 'at', t.price_won)
    FROM concerned AS c
    JOIN trades AS t ON t.sell_order_id = c.order_id
    UNION ALL
    SELECT
        n.created_at, c.closed_event_id, n.user_id, concat_ws(' ', 'message', n.status),
        concat_ws(' ', n.kind, 'by', n.channel), n.body
    FROM notifications AS n
    LEFT JOIN orders AS c ON c.order_id = n.order_id
    WHERE n.order_id = %(order_id)s
    UNION ALL
    SELECT
        n.created_at, c.closed_event_id, n.user_id, concat_ws(' ', 'message', n.status),
        concat_ws(' ', n.kind, 'by', n.channel), n.body
    FROM notifications AS n
    LEFT JOIN orders AS c ON c.order_id = n.order_id
    WHERE %(order_id)s IS NULL AND n.user_id = %(user_id)s
)
SELECT
    h.happened_at AS happened_at,
    h.event_no AS event_no,
    h.user_id AS user_id,
    h.what AS what,
    h.subject AS subject,
    h.detail AS detail
FROM happened AS h
ORDER BY h.happened_at, h.event_no IS NULL, h.event_no, h.what, h.subject, h.detail
LIMIT %(row_limit)s
