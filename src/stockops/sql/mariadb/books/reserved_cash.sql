-- Cash reserved is what open buy orders can still cost: remaining shares at the limit, and the fee, parts of a won cut off.
WITH rates AS (
    SELECT
        broker_id, commission_rate, valid_from,
        coalesce(lead(valid_from) OVER (PARTITION BY broker_id ORDER BY valid_from), DATE '9999-12-31') AS valid_until
    FROM fee_schedules
),
open_buys AS (
    SELECT
        o.order_id, o.account_id, o.reserved_won,
        (o.quantity - o.filled_quantity) * o.limit_won
        + floor((o.quantity - o.filled_quantity) * o.limit_won * r.commission_rate) AS due_won
    FROM orders AS o
    STRAIGHT_JOIN accounts AS a ON a.account_id = o.account_id
    LEFT JOIN rates AS r
        ON r.broker_id = a.broker_id AND o.business_date >= r.valid_from AND o.business_date < r.valid_until
    WHERE o.status = 'open' AND o.side = 'buy'
),
due AS (
    SELECT account_id, sum(due_won) AS due_won
    FROM open_buys
    GROUP BY account_id
),
wrong AS (
    SELECT 'order' AS owner, order_id AS owner_id, reserved_won, due_won
    FROM open_buys
    WHERE due_won IS NULL OR reserved_won <> due_won
    UNION ALL
    SELECT 'account', a.account_id, a.reserved_won, coalesce(d.due_won, 0)
    FROM accounts AS a
    LEFT JOIN due AS d ON d.account_id = a.account_id
    WHERE a.reserved_won <> coalesce(d.due_won, 0)
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY owner, owner_id) AS place_no,
        count(*) OVER () AS violations,
        concat_ws(' ', owner, owner_id) AS entity,
        concat_ws(' ', due_won, 'won reserved') AS expected,
        concat_ws(' ', reserved_won, 'won reserved') AS found
    FROM wrong
    ORDER BY place_no
    LIMIT 20
),
looked AS (
    SELECT (SELECT count(*) FROM accounts) AS looked_at
)
SELECT l.looked_at, coalesce(s.violations, 0) AS violations, s.entity, s.expected, s.found
FROM looked AS l
LEFT JOIN shown AS s ON 1 = 1
ORDER BY s.place_no
