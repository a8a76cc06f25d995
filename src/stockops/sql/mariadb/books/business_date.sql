-- The business date of every order taken and every trade is the KST date of its instant, a business day, within a continuous session; of an order it may be within an auction's, of an auction's trade its end, and each auction ended when the hours of its date say.
-- First, the earliest and the latest instant of each issue and date: only where one of these is outside is every row looked up.
WITH spans AS (
    SELECT SQL_BIG_RESULT 'order' AS owner, symbol, business_date, min(placed_at) AS first_at, max(placed_at) AS last_at
    FROM orders
    WHERE status <> 'rejected'
    GROUP BY symbol, business_date
    UNION ALL
    SELECT SQL_BIG_RESULT 'trade', symbol, business_date, min(traded_at), max(traded_at)
    FROM trades
    GROUP BY symbol, business_date
),
-- From one change of a market's hours to the next: which dates there are need not be read from the orders again.
changes AS (
    SELECT market, valid_from AS changes_on FROM market_sessions
    UNION
    SELECT market, valid_to + INTERVAL 1 DAY FROM market_sessions WHERE valid_to IS NOT NULL
),
periods AS (
    SELECT market, changes_on, coalesce(lead(changes_on) OVER (PARTITION BY market ORDER BY changes_on), DATE '9999-12-31') AS changes_until
    FROM changes
),
in_force AS (
    SELECT
        c.market, c.changes_on, c.changes_until, s.opens_at, s.closes_at, s.matching,
        row_number() OVER (PARTITION BY c.market, c.changes_on, s.session ORDER BY s.valid_from DESC) AS newest
    FROM periods AS c
    JOIN market_sessions AS s ON s.market = c.market AND s.valid_from <= c.changes_on AND coalesce(s.valid_to, c.changes_on) >= c.changes_on
),
hours AS (
    SELECT
        market, changes_on, changes_until, min(CASE matching WHEN 'continuous' THEN opens_at END) AS opens_at,
        max(CASE matching WHEN 'continuous' THEN closes_at END) AS closes_at, min(opens_at) AS called_from, max(closes_at) AS called_to
    FROM in_force
    WHERE newest = 1 AND matching IN ('continuous', 'auction')
    GROUP BY market, changes_on, changes_until
),
suspects AS (
    SELECT s.owner, s.symbol, s.business_date, h.opens_at, h.closes_at, h.called_from, h.called_to
    FROM spans AS s
    LEFT JOIN stocks AS k ON k.symbol = s.symbol
    LEFT JOIN market_holidays AS c ON c.market = k.market AND c.holiday = s.business_date
    LEFT JOIN hours AS h
        ON h.market = k.market AND s.business_date >= h.changes_on AND s.business_date < h.changes_until
        AND c.holiday IS NULL AND weekday(s.business_date) < 5
    WHERE
        NOT coalesce(date(s.first_at + INTERVAL 9 HOUR) = s.business_date AND time(s.first_at + INTERVAL 9 HOUR) >= h.opens_at
            AND date(s.last_at + INTERVAL 9 HOUR) = s.business_date AND time(s.last_at + INTERVAL 9 HOUR) < h.closes_at, FALSE)
),
outside AS (
    SELECT
        s.owner, coalesce(o.order_id, t.trade_id) AS owner_id, s.business_date,
        CASE WHEN s.owner = 'order' OR t.auction_id IS NOT NULL THEN s.called_from ELSE s.opens_at END AS opens_at,
        CASE WHEN s.owner = 'order' OR t.auction_id IS NOT NULL THEN s.called_to ELSE s.closes_at END AS closes_at,
        CASE WHEN t.auction_id IS NULL THEN 0 ELSE 1 END AS is_of_auction,
        coalesce(o.placed_at, t.traded_at) + INTERVAL 9 HOUR AS kst
    FROM suspects AS s
    LEFT JOIN orders AS o ON o.symbol = s.symbol AND o.business_date = s.business_date AND s.owner = 'order' AND o.status <> 'rejected'
    LEFT JOIN trades AS t ON t.symbol = s.symbol AND t.business_date = s.business_date AND s.owner = 'trade'
),
ends AS (
    SELECT
        a.auction_id, a.business_date, CASE a.kind WHEN 'closing' THEN h.called_to ELSE h.opens_at END AS ends_from,
        CASE a.kind WHEN 'closing' THEN h.called_to WHEN 'opening' THEN h.opens_at ELSE h.closes_at END AS ends_to,
        a.ends_at + INTERVAL 9 HOUR AS kst
    FROM auctions AS a
    LEFT JOIN stocks AS k ON k.symbol = a.symbol
    LEFT JOIN market_holidays AS c ON c.market = k.market AND c.holiday = a.business_date
    LEFT JOIN hours AS h
        ON h.market = k.market AND a.business_date >= h.changes_on AND a.business_date < h.changes_until
        AND c.holiday IS NULL AND weekday(a.business_date) < 5
),
wrong AS (
    SELECT owner, owner_id, business_date, kst, opens_at, closes_at
    FROM outside
    WHERE
        NOT coalesce(date(kst) = business_date AND time(kst) >= opens_at
            AND (time(kst) < closes_at OR (time(kst) = closes_at AND is_of_auction = 1)), FALSE)
    UNION ALL
    SELECT 'auction', auction_id, business_date, kst, ends_from, ends_to
    FROM ends
    WHERE NOT coalesce(date(kst) = business_date AND time(kst) BETWEEN ends_from AND ends_to, FALSE)
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
