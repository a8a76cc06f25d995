-- The business date of every order taken and every trade is the KST date of its instant, a business day, within a continuous session; of an order it may be within an auction's, of an auction's trade its end, and each auction ended when the hours of its date say.
-- First, the earliest and the latest instant of each issue and date: only where one of these is outside is every row looked up.
WITH spans AS MATERIALIZED (
    SELECT 'order' AS owner, symbol, business_date, min(placed_at) AS first_at, max(placed_at) AS last_at
    FROM orders
    WHERE status <> 'rejected'
    GROUP BY symbol, business_date
    UNION ALL
    SELECT 'trade', symbol, business_date, min(traded_at), max(traded_at)
    FROM trades
    GROUP BY symbol, business_date
),
in_force AS (
    SELECT
        s.market, c.business_date, s.opens_at, s.closes_at, s.matching,
        row_number() OVER (PARTITION BY s.market, c.business_date, s.session ORDER BY s.valid_from DESC) AS newest
    FROM (SELECT business_date FROM spans UNION SELECT business_date FROM auctions) AS c
    JOIN market_sessions AS s ON s.valid_from <= c.business_date AND coalesce(s.valid_to, c.business_date) >= c.business_date
    LEFT JOIN market_holidays AS h ON h.market = s.market AND h.holiday = c.business_date
    WHERE h.holiday IS NULL AND extract(isodow FROM c.business_date) < 6
),
hours AS (
    SELECT
        market, business_date, min(CASE matching WHEN 'continuous' THEN opens_at END) AS opens_at, max(CASE matching WHEN 'continuous' THEN closes_at END) AS closes_at,
        min(opens_at) AS called_from, max(closes_at) AS called_to
    FROM in_force
    WHERE newest = 1 AND matching IN ('continuous', 'auction')
    GROUP BY market, business_date
),
suspects AS MATERIALIZED (
    SELECT s.owner, s.symbol, s.business_date, h.opens_at, h.closes_at, h.called_from, h.called_to
    FROM spans AS s
    LEFT JOIN stocks AS k ON k.symbol = s.symbol
    LEFT JOIN hours AS h ON h.market = k.market AND h.business_date = s.business_date
    WHERE
        NOT coalesce((s.first_at AT TIME ZONE 'Asia/Seoul')::date = s.business_date AND (s.first_at AT TIME ZONE 'Asia/Seoul')::time >= h.opens_at
            AND (s.last_at AT TIME ZONE 'Asia/Seoul')::date = s.business_date AND (s.last_at AT TIME ZONE 'Asia/Seoul')::time < h.closes_at, FALSE)
),
outside AS (
    SELECT
        s.owner, o.order_id AS owner_id, s.business_date, s.called_from AS opens_at, s.called_to AS closes_at, 0 AS is_of_auction,
        o.placed_at AT TIME ZONE 'Asia/Seoul' AS kst
    FROM suspects AS s
    JOIN orders AS o ON o.symbol = s.symbol AND o.business_date = s.business_date AND o.status <> 'rejected'
    WHERE s.owner = 'order'
    UNION ALL
    SELECT
        s.owner, t.trade_id, s.business_date, CASE WHEN t.auction_id IS NULL THEN s.opens_at ELSE s.called_from END,
        CASE WHEN t.auction_id IS NULL THEN s.closes_at ELSE s.called_to END, CASE WHEN t.auction_id IS NULL THEN 0 ELSE 1 END,
        t.traded_at AT TIME ZONE 'Asia/Seoul'
    FROM suspects AS s
    JOIN trades AS t ON t.symbol = s.symbol AND t.business_date = s.business_date
    WHERE s.owner = 'trade'
),
ends AS (
    SELECT
        a.auction_id, a.business_date, CASE a.kind WHEN 'closing' THEN h.called_to ELSE h.opens_at END AS ends_from,
        CASE a.kind WHEN 'closing' THEN h.called_to WHEN 'opening' THEN h.opens_at ELSE h.closes_at END AS ends_to,
        a.ends_at AT TIME ZONE 'Asia/Seoul' AS kst
    FROM auctions AS a
    LEFT JOIN stocks AS k ON k.symbol = a.symbol
    LEFT JOIN hours AS h ON h.market = k.market AND h.business_date = a.business_date
),
wrong AS (
    SELECT owner, owner_id, business_date, kst, opens_at, closes_at
    FROM outside
    WHERE
        NOT coalesce(kst::date = business_date AND kst::time >= opens_at
            AND (kst::time < closes_at OR (kst::time = closes_at AND is_of_auction = 1)), FALSE)
    UNION ALL
    SELECT 'auction', auction_id, business_date, kst, ends_from, ends_to
    FROM ends
    WHERE NOT coalesce(kst::date = business_date AND kst::time BETWEEN ends_from AND ends_to, FALSE)
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY owner, owner_id) AS place_no,
        count(*) OVER () AS violations,
        concat_ws(' ', owner, owner_id) AS entity,
        concat_ws(' ', business_date, CASE WHEN opens_at IS NULL THEN ', which is no business day' ELSE concat_ws(' to ', opens_at, nullif(closes_at, opens_at)) END) AS expected,
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
