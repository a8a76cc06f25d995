-- Every trade, and every limit order taken, lies within the day's price limits as recomputed from the base price; limit orders lie on the tick, trades need not.
-- The base of the day that an issue is at stands in stock_inventory; that of an earlier day is the newest close or
-- last trade before it, or that of a split, if none of the two came after it. On the first day that an issue traded it may also be that day's close: a seed opens with it.
-- Each issue and date has a ladder: a row for each tick size between its limits, the outermost reaching further. Every
-- price finds one row in it, which says whether it is within the limits and on the tick.
WITH tick_sets AS (
    SELECT
        market, valid_from,
        coalesce(lead(valid_from) OVER (PARTITION BY market ORDER BY valid_from), DATE '9999-12-31') AS valid_until
    FROM (SELECT DISTINCT market, valid_from FROM tick_sizes) AS s
),
ticks AS (
    SELECT
        t.market, t.valid_from, s.valid_until, t.tick_won, t.price_from_won,
        coalesce(lead(t.price_from_won) OVER (PARTITION BY t.market, t.valid_from ORDER BY t.price_from_won), 9223372036854775807) AS price_until_won
    FROM tick_sizes AS t
    JOIN tick_sets AS s ON s.market = t.market AND s.valid_from = t.valid_from
),
limits AS (
    SELECT
        market, limit_bp, valid_from,
        coalesce(lead(valid_from) OVER (PARTITION BY market ORDER BY valid_from), DATE '9999-12-31') AS valid_until
    FROM price_limits
),
dealt AS (
    SELECT SQL_BIG_RESULT symbol, business_date, max(trade_id) AS trade_id FROM trades GROUP BY symbol, business_date
    UNION ALL
    SELECT DISTINCT symbol, business_date, 0 FROM orders WHERE status <> 'rejected'
),
days AS (
    SELECT symbol, business_date, max(trade_id) AS trade_id
    FROM dealt
    GROUP BY symbol, business_date
),
history AS (
    SELECT
        d.symbol, d.business_date,
        max(CASE WHEN d.trade_id > 0 THEN d.business_date END)
            OVER (PARTITION BY d.symbol ORDER BY d.business_date ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS traded_on,
        nullif(max(d.trade_id) OVER (PARTITION BY d.symbol ORDER BY d.business_date ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS trade_id
    FROM days AS d
),
priced AS (
    -- DISTINCT keeps it a table of its own: merged into what follows, the newest close would be looked up many times.
    SELECT DISTINCT
        h.symbol, h.business_date, h.traded_on, h.trade_id,
        (SELECT p.price_date FROM stock_prices AS p WHERE p.symbol = h.symbol AND p.price_date < h.business_date ORDER BY p.price_date DESC LIMIT 1) AS price_date,
        (SELECT max(c.action_id) FROM corporate_actions AS c WHERE c.symbol = h.symbol AND c.kind = 'split' AND c.effective_date <= h.business_date) AS split_id
    FROM history AS h
),
bases AS (
    SELECT
        k.symbol, k.market, h.business_date,
        CASE
            WHEN w.way = 2 THEN o.close_won
            WHEN i.quote_date = h.business_date THEN i.base_won
            WHEN
                c.effective_date > coalesce(h.price_date, DATE '0001-01-01') AND c.effective_date > coalesce(h.traded_on, DATE '0001-01-01')
                THEN c.base_won
            WHEN h.price_date >= coalesce(h.traded_on, h.price_date) THEN p.close_won
            ELSE t.price_won
        END AS base_won
    FROM priced AS h
    STRAIGHT_JOIN stocks AS k ON k.symbol = h.symbol
    STRAIGHT_JOIN (SELECT 1 AS way UNION ALL SELECT 2) AS w ON w.way = 1 OR h.traded_on IS NULL
    LEFT JOIN stock_inventory AS i ON i.symbol = h.symbol
    LEFT JOIN stock_prices AS p ON p.symbol = h.symbol AND p.price_date = h.price_date
    LEFT JOIN stock_prices AS o ON o.symbol = h.symbol AND o.price_date = h.business_date AND i.quote_date > h.business_date
    LEFT JOIN trades AS t ON t.trade_id = h.trade_id
    LEFT JOIN corporate_actions AS c ON c.action_id = h.split_id
),
spans AS (
    SELECT
        b.symbol, b.market, b.business_date, b.base_won,
        b.base_won * l.limit_bp DIV 10000 DIV t.tick_won * t.tick_won AS span_won
    FROM bases AS b
    LEFT JOIN limits AS l ON l.market = b.market AND b.business_date >= l.valid_from AND b.business_date < l.valid_until
    LEFT JOIN ticks AS t
        ON t.market = b.market AND b.business_date >= t.valid_from AND b.business_date < t.valid_until
        AND b.base_won >= t.price_from_won AND b.base_won < t.price_until_won
),
bounds AS (
    SELECT
        s.symbol, s.market, s.business_date, s.base_won,
        (s.base_won - s.span_won + l.tick_won - 1) DIV l.tick_won * l.tick_won AS lower_won,
        (s.base_won + s.span_won) DIV u.tick_won * u.tick_won AS upper_won
    FROM spans AS s
    LEFT JOIN ticks AS l
        ON l.market = s.market AND s.business_date >= l.valid_from AND s.business_date < l.valid_until
        AND s.base_won - s.span_won >= l.price_from_won AND s.base_won - s.span_won < l.price_until_won
    LEFT JOIN ticks AS u
        ON u.market = s.market AND s.business_date >= u.valid_from AND s.business_date < u.valid_until
        AND s.base_won + s.span_won >= u.price_from_won AND s.base_won + s.span_won < u.price_until_won
),
bands AS (
    SELECT symbol, market, business_date, min(lower_won) AS lower_won, max(upper_won) AS upper_won
    FROM bounds
    GROUP BY symbol, market, business_date
),
ladders AS (
    -- DISTINCT, here too.
    SELECT DISTINCT
        b.symbol, b.business_date, b.lower_won, b.upper_won, c.tick_won,
        CASE WHEN c.price_from_won <= b.lower_won THEN 0 ELSE c.price_from_won END AS from_won,
        CASE WHEN c.price_until_won > b.upper_won THEN 9223372036854775807 ELSE c.price_until_won END AS until_won
    FROM bands AS b
    JOIN ticks AS c
        ON c.market = b.market AND b.business_date >= c.valid_from AND b.business_date < c.valid_until
        AND c.price_from_won <= b.upper_won AND c.price_until_won > b.lower_won
),
prices AS (
    SELECT 'order' AS owner, order_id AS owner_id, symbol, business_date, limit_won AS price_won
    FROM orders
    WHERE kind = 'limit' AND status <> 'rejected'
    UNION ALL
    SELECT 'trade', trade_id, symbol, business_date, price_won
    FROM trades AS judged
),
-- Each price of a date is judged once, whoever asked for it or paid it.
levels AS (
    SELECT DISTINCT 'order' AS owner, symbol, business_date, limit_won AS price_won
    FROM orders
    WHERE kind = 'limit' AND status <> 'rejected'
    UNION ALL
    SELECT DISTINCT 'trade', symbol, business_date, price_won
    FROM trades AS judged
),
outside AS (
    SELECT l.owner, l.symbol, l.business_date, l.price_won, CASE l.owner WHEN 'trade' THEN 1 ELSE b.tick_won END AS tick_won, b.lower_won, b.upper_won
    FROM levels AS l
    LEFT JOIN ladders AS b ON b.symbol = l.symbol AND b.business_date = l.business_date AND l.price_won >= b.from_won AND l.price_won < b.until_won
    WHERE NOT coalesce(l.price_won BETWEEN b.lower_won AND b.upper_won AND (l.owner = 'trade' OR mod(l.price_won, b.tick_won) = 0), FALSE)
),
wrong AS (
    SELECT p.owner, p.owner_id, p.price_won, o.tick_won, o.lower_won, o.upper_won
    FROM outside AS o
    STRAIGHT_JOIN prices AS p ON p.owner = o.owner AND p.symbol = o.symbol AND p.business_date = o.business_date AND p.price_won = o.price_won
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY owner, owner_id) AS place_no,
        count(*) OVER () AS violations,
        concat_ws(' ', owner, owner_id) AS entity,
        concat_ws(' ', coalesce(lower_won, 0), 'to', coalesce(upper_won, 0), 'in steps of', coalesce(tick_won, 0)) AS expected,
        concat_ws(' ', price_won, 'won') AS found
    FROM wrong
    ORDER BY place_no
    LIMIT 20
),
looked AS (
    SELECT (SELECT count(*) FROM trades AS judged) + (SELECT count(*) FROM orders WHERE kind = 'limit' AND status <> 'rejected') AS looked_at
)
SELECT l.looked_at, coalesce(s.violations, 0) AS violations, s.entity, s.expected, s.found
FROM looked AS l
LEFT JOIN shown AS s ON 1 = 1
ORDER BY s.place_no
