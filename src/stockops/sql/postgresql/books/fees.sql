-- The commission of both sides of every trade is its value at the rate of the broker on that date, parts of a won cut off; the house pays none.
WITH rates AS (
    SELECT
        broker_id, commission_rate, valid_from,
        coalesce(lead(valid_from) OVER (PARTITION BY broker_id ORDER BY valid_from), DATE '9999-12-31') AS valid_until
    FROM fee_schedules
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
