-- What %(units)s trades of one business date are made of, from unit %(first)s on: two customers who hold the issue, of which
-- one rests with a sale and the other takes it, and the other way round 900 units later. Four numbers of event_ids each.
CREATE TEMPORARY TABLE units AS
SELECT
    u.sell_id, u.sell_id + 1 AS buy_id, u.sell_id + 2 AS trade_id, u.symbol, u.seller_id, u.buyer_id, u.quantity, 50000 * u.quantity AS value_won,
    floor(50000 * u.quantity * bf.commission_rate)::bigint AS buy_fee_won, floor(50000 * u.quantity * sf.commission_rate)::bigint AS sell_fee_won,
    floor(50000 * u.quantity * x.sell_rate)::bigint AS tax_won, x.settles_on
FROM (
    SELECT
        n, 2000000 + 4 * n AS sell_id, lpad((10 * (1 + n %% 900))::text, 6, '0') AS symbol, 1 + n %% 50 AS quantity,
        1000 + 1 + n %% 10 + 10 * (2 * (n / 1800 %% 50) + n / 900 %% 2) AS seller_id, 1000 + 1 + n %% 10 + 10 * (2 * (n / 1800 %% 50) + 1 - n / 900 %% 2) AS buyer_id
    FROM generate_series(%(first)s::bigint, %(first)s::bigint + %(units)s - 1) AS n
) AS u
JOIN accounts AS b ON b.account_id = u.buyer_id
JOIN accounts AS s ON s.account_id = u.seller_id
JOIN fee_schedules AS bf ON bf.broker_id = b.broker_id AND bf.valid_from = (SELECT max(f.valid_from) FROM fee_schedules AS f WHERE f.broker_id = b.broker_id AND f.valid_from <= %(day)s)
JOIN fee_schedules AS sf ON sf.broker_id = s.broker_id AND sf.valid_from = (SELECT max(f.valid_from) FROM fee_schedules AS f WHERE f.broker_id = s.broker_id AND f.valid_from <= %(day)s)
CROSS JOIN (
    SELECT t.sell_rate, d.settles_on
    FROM (SELECT business_day_after('KOSPI', %(day)s::date, 2) AS settles_on) AS d
    JOIN tax_rates AS t ON t.market = 'KOSPI' AND t.settles_from <= d.settles_on
    ORDER BY t.settles_from DESC LIMIT 1
) AS x
