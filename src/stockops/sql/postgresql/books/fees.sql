-- The commission of both sides of every trade is its value at the rate of the broker on that date, parts of a won cut off; the house pays none.
WITH rates AS (
    SELECT
        broker_id, commission_rate, valid_from,
        coalesce(lead(valid_from) OVER (PARTITION BY broker_id ORDER BY valid_from), DATE '9999-12-31') AS valid_until
    FROM fee_schedules
),
-- One side after the other: both together would look orders up twice.
sides AS (
    SELECT trade_id, business_date, price_won * quantity AS value_won, buy_order_id AS order_id, buy_fee_won AS fee_won FROM trades
    UNION ALL
    SELECT trade_id, business_date, price_won * quantity, sell_order_id, sell_fee_won FROM trades
),
suspects AS MATERIALIZED (
    SELECT s.trade_id
    FROM sides AS s
    LEFT JOIN orders AS o ON o.order_id = s.order_id
    LEFT JOIN accounts AS a ON a.account_id = o.account_id
    LEFT JOIN rates AS r ON r.broker_id = a.broker_id AND s.business_date >= r.valid_from AND s.business_date < r.valid_until
    WHERE NOT coalesce(s.fee_won = CASE WHEN s.order_id IS NULL THEN 0 ELSE floor(s.value_won * r.commission_rate) END, FALSE)
),
due AS (
    SELECT
        t.trade_id, t.buy_fee_won, t.sell_fee_won,
        CASE WHEN t.buy_order_id IS NULL THEN 0 ELSE floor(t.price_won * t.quantity * br.commission_rate) END AS buy_due_won,
        CASE WHEN t.sell_order_id IS NULL THEN 0 ELSE floor(t.price_won * t.quantity * sr.commission_rate) END AS sell_due_won
    FROM trades AS t
    LEFT JOIN orders AS b ON b.order_id = t.buy_order_id
    LEFT JOIN accounts AS ba ON ba.account_id = b.account_id
    LEFT JOIN rates AS br
        ON br.broker_id = ba.broker_id AND t.business_date >= br.valid_from AND t.business_date < br.valid_until
    LEFT JOIN orders AS s ON s.order_id = t.sell_order_id
    LEFT JOIN accounts AS sa ON sa.account_id = s.account_id
    LEFT JOIN rates AS sr
        ON sr.broker_id = sa.broker_id AND t.business_date >= sr.valid_from AND t.business_date < sr.valid_until
    WHERE (SELECT count(*) FROM suspects) > 0 AND t.trade_id IN (SELECT s.trade_id FROM suspects AS s)
),
wrong AS (
    SELECT trade_id, buy_fee_won, sell_fee_won, buy_due_won, sell_due_won
    FROM due
    WHERE NOT coalesce(buy_fee_won = buy_due_won AND sell_fee_won = sell_due_won, FALSE)
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY trade_id) AS place_no,
        count(*) OVER () AS violations,
        concat_ws(' ', 'trade', trade_id) AS entity,
        concat_ws(' ', 'buyer', coalesce(buy_due_won, -1), 'seller', coalesce(sell_due_won, -1), 'won') AS expected,
        concat_ws(' ', 'buyer', buy_fee_won, 'seller', sell_fee_won, 'won') AS found
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
