-- The business date of every order taken and every trade is the KST date of its instant, a business day, within a continuous session.
WITH dates AS (
    SELECT m.market, d.business_date
    FROM (SELECT business_date FROM orders WHERE status <> 'rejected' UNION SELECT business_date FROM trades) AS d
    CROSS JOIN (SELECT DISTINCT market FROM stocks) AS m
),
in_force AS (
    SELECT
        d.market, d.business_date, s.opens_at, s.closes_at, s.matching,
        row_number() OVER (PARTITION BY d.market, d.business_date, s.session ORDER BY s.valid_from DESC) AS newest
    FROM dates AS d
    JOIN market_sessions AS s
        ON s.market = d.market AND s.valid_from <= d.business_date AND coalesce(s.valid_to, d.business_date) >= d.business_date
    LEFT JOIN market_holidays AS h ON h.market = d.market AND h.holiday = d.business_date
    WHERE h.holiday IS NULL AND extract(isodow FROM d.business_date) < 6
),
hours AS (
    SELECT market, business_date, min(opens_at) AS opens_at, max(closes_at) AS closes_at
    FROM in_force
    WHERE newest = 1 AND matching = 'continuous'
    GROUP BY market, business_date
),
dated_orders AS (
    SELECT o.order_id, k.market, o.business_date, o.placed_at AT TIME ZONE 'Asia/Seoul' AS kst
    FROM orders AS o
    LEFT JOIN stocks AS k ON k.symbol = o.symbol
    WHERE o.status <> 'rejected'
),
dated_trades AS (
    SELECT t.trade_id, k.market, t.business_date, t.traded_at AT TIME ZONE 'Asia/Seoul' AS kst
    FROM trades AS t
    LEFT JOIN stocks AS k ON k.symbol = t.symbol
),
wrong AS (
    SELECT 'order' AS owner, o.order_id AS owner_id, o.business_date, o.kst, h.opens_at, h.closes_at
    FROM dated_orders AS o
    LEFT JOIN hours AS h ON h.market = o.market AND h.business_date = o.business_date
    WHERE NOT coalesce(o.kst::date = o.business_date AND o.kst::time >= h.opens_at AND o.kst::time < h.closes_at, FALSE)
    UNION ALL
    SELECT 'trade', t.trade_id, t.business_date, t.kst, h.opens_at, h.closes_at
    FROM dated_trades AS t
    LEFT JOIN hours AS h ON h.market = t.market AND h.business_date = t.business_date
    WHERE NOT coalesce(t.kst::date = t.business_date AND t.kst::time >= h.opens_at AND t.kst::time < h.closes_at, FALSE)
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY owner, owner_id) AS place_no,
        count(*) OVER () AS violations,
        concat_ws(' ', owner, owner_id) AS entity,
        concat_ws(' ', business_date, CASE WHEN opens_at IS NULL THEN ', which is no business day' ELSE concat_ws(' ', opens_at, 'to', closes_at) END) AS expected,
        concat_ws(' ', kst, 'KST') AS found
    FROM wrong
    ORDER BY place_no
    LIMIT 20
),
looked AS (
    SELECT (SELECT count(*) FROM trades) + (SELECT count(*) FROM orders WHERE status <> 'rejected') AS looked_at
)
SELECT l.looked_at, coalesce(s.violations, 0) AS violations, s.entity, s.expected, s.found
FROM looked AS l
LEFT JOIN shown AS s ON 1 = 1
ORDER BY s.place_no
