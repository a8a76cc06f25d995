-- Of trade_sides, self_trade, fees and tax, in one pass over all trades: what each looked at, and how many trades may violate it.
-- A trade that may not is right for certain: what cannot be told counts.
WITH RECURSIVE days (n) AS (
    SELECT 1
    UNION ALL
    SELECT n + 1 FROM days WHERE n < 30
),
dates AS (
    SELECT m.market, d.business_date
    FROM (SELECT DISTINCT business_date FROM trades) AS d
    CROSS JOIN (SELECT DISTINCT market FROM stocks) AS m
),
open_days AS (
    SELECT
        d.market, d.business_date, d.business_date + s.n AS open_date,
        row_number() OVER (PARTITION BY d.market, d.business_date ORDER BY s.n) AS days_after
    FROM dates AS d
    CROSS JOIN days AS s
    LEFT JOIN market_holidays AS h ON h.market = d.market AND h.holiday = d.business_date + s.n
    WHERE h.holiday IS NULL AND extract(isodow FROM d.business_date + s.n) < 6
),
taxes AS (
    SELECT
        market, sell_rate, settles_from,
        coalesce(lead(settles_from) OVER (PARTITION BY market ORDER BY settles_from), DATE '9999-12-31') AS settles_until
    FROM tax_rates
),
settlements AS (
    SELECT DISTINCT k.symbol, o.business_date, o.open_date AS settles_on, x.sell_rate
    FROM open_days AS o
    JOIN stocks AS k ON k.market = o.market
    LEFT JOIN taxes AS x ON x.market = o.market AND o.open_date >= x.settles_from AND o.open_date < x.settles_until
    WHERE o.days_after = 2
),
rates AS (
    SELECT
        broker_id, commission_rate, valid_from,
        coalesce(lead(valid_from) OVER (PARTITION BY broker_id ORDER BY valid_from), DATE '9999-12-31') AS valid_until
    FROM fee_schedules
),
owners AS (
    SELECT DISTINCT a.account_id, a.user_id, a.tax_exempt, r.commission_rate, r.valid_from, r.valid_until
    FROM accounts AS a
    JOIN rates AS r ON r.broker_id = a.broker_id
),
judged AS (
    SELECT
        coalesce(
            (
                t.buy_order_id IS NULL OR (
                    b.side = 'buy' AND b.symbol = t.symbol AND b.business_date = t.business_date AND b.status <> 'rejected' AND b.order_id < t.trade_id
                    AND coalesce(b.limit_won >= t.price_won, b.kind = 'market')
                )
            )
            AND (
                t.sell_order_id IS NULL OR (
                    s.side = 'sell' AND s.symbol = t.symbol AND s.business_date = t.business_date AND s.status <> 'rejected' AND s.order_id < t.trade_id
                    AND coalesce(s.limit_won <= t.price_won, s.kind = 'market')
                )
            )
            AND CASE t.taker_side
                WHEN 'buy' THEN t.buy_order_id IS NOT NULL AND (
                    t.sell_order_id IS NULL OR (s.order_id < b.order_id AND s.kind = 'limit' AND (t.auction_id IS NOT NULL OR s.limit_won = t.price_won))
                )
                WHEN 'sell' THEN t.sell_order_id IS NOT NULL AND (
                    t.buy_order_id IS NULL OR (b.order_id < s.order_id AND b.kind = 'limit' AND (t.auction_id IS NOT NULL OR b.limit_won = t.price_won))
                )
            END,
            FALSE
        ) AS sides_fit,
        coalesce(t.buy_order_id IS NULL OR t.sell_order_id IS NULL OR ba.user_id <> sa.user_id, FALSE) AS owners_differ,
        coalesce(
            t.buy_fee_won = CASE WHEN t.buy_order_id IS NULL THEN 0 ELSE floor(t.price_won * t.quantity * ba.commission_rate) END
            AND t.sell_fee_won = CASE WHEN t.sell_order_id IS NULL THEN 0 ELSE floor(t.price_won * t.quantity * sa.commission_rate) END,
            FALSE
        ) AS fees_fit,
        coalesce(
            t.settles_on = x.settles_on AND t.sell_tax_won = CASE
                WHEN t.sell_order_id IS NULL OR sa.tax_exempt THEN 0
                WHEN NOT sa.tax_exempt THEN floor(t.price_won * t.quantity * x.sell_rate)
            END,
            FALSE
        ) AS tax_fits
    FROM trades AS t
    LEFT JOIN orders AS b ON b.order_id = t.buy_order_id
    LEFT JOIN orders AS s ON s.order_id = t.sell_order_id
    LEFT JOIN owners AS ba ON ba.account_id = b.account_id AND t.business_date >= ba.valid_from AND t.business_date < ba.valid_until
    LEFT JOIN owners AS sa ON sa.account_id = s.account_id AND t.business_date >= sa.valid_from AND t.business_date < sa.valid_until
    LEFT JOIN settlements AS x ON x.symbol = t.symbol AND x.business_date = t.business_date
),
counted AS (
    SELECT count(*) FILTER (WHERE NOT sides_fit) AS sides, count(*) FILTER (WHERE NOT owners_differ) AS owners, count(*) FILTER (WHERE NOT fees_fit) AS fees,
        count(*) FILTER (WHERE NOT tax_fits) AS taxes
    FROM judged
),
names AS (
    SELECT 'trade_sides' AS name UNION ALL SELECT 'self_trade' UNION ALL SELECT 'fees' UNION ALL SELECT 'tax'
)
SELECT
    n.name,
    CASE n.name
        WHEN 'self_trade' THEN (SELECT count(*) FROM trades WHERE buy_order_id IS NOT NULL AND sell_order_id IS NOT NULL)
        ELSE (SELECT count(*) FROM trades)
    END AS looked_at,
    CASE n.name WHEN 'trade_sides' THEN c.sides WHEN 'self_trade' THEN c.owners WHEN 'fees' THEN c.fees ELSE c.taxes END AS suspects
FROM counted AS c
CROSS JOIN names AS n
ORDER BY n.name
