-- The trading day of every issue is what the dated tables say: limits, settlement date, tax rate, hours and ticks where it keeps them; its last price is the last trade's.
WITH RECURSIVE tick_sets AS (
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
bases AS (
    SELECT k.symbol, k.market, i.quote_date AS business_date, i.base_won
    FROM stock_inventory AS i
    JOIN stocks AS k ON k.symbol = i.symbol
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
        s.symbol, s.market, s.business_date,
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
days (n) AS (
    SELECT 1
    UNION ALL
    SELECT n + 1 FROM days WHERE n < 30
),
dates AS (
    SELECT DISTINCT market, business_date
    FROM bases
),
open_days AS (
    SELECT
        d.market, d.business_date, d.business_date + INTERVAL s.n DAY AS open_date,
        row_number() OVER (PARTITION BY d.market, d.business_date ORDER BY s.n) AS days_after
    FROM dates AS d
    CROSS JOIN days AS s
    LEFT JOIN market_holidays AS h ON h.market = d.market AND h.holiday = d.business_date + INTERVAL s.n DAY
    WHERE h.holiday IS NULL AND weekday(d.business_date + INTERVAL s.n DAY) < 5
),
taxes AS (
    SELECT
        market, sell_rate, settles_from,
        coalesce(lead(settles_from) OVER (PARTITION BY market ORDER BY settles_from), DATE '9999-12-31') AS settles_until
    FROM tax_rates
),
settlements AS (
    SELECT o.market, o.business_date, o.open_date AS settles_on, x.sell_rate
    FROM open_days AS o
    LEFT JOIN taxes AS x ON x.market = o.market AND o.open_date >= x.settles_from AND o.open_date < x.settles_until
    WHERE o.days_after = 2
),
-- All that is asked of `bounds`, for it would be computed again for each that asks.
steps AS (
    SELECT
        b.symbol, b.lower_won, b.upper_won,
        CASE WHEN count(t.tick_won) <= 2 THEN max(CASE WHEN t.price_from_won <= b.lower_won THEN t.tick_won END) END AS tick_won,
        CASE WHEN count(t.tick_won) = 2 THEN max(t.price_from_won) END AS high_tick_from_won,
        CASE WHEN count(t.tick_won) = 2 THEN max(CASE WHEN t.price_from_won > b.lower_won THEN t.tick_won END) END AS high_tick_won
    FROM bounds AS b
    LEFT JOIN ticks AS t
        ON t.market = b.market AND b.business_date >= t.valid_from AND b.business_date < t.valid_until
        AND t.price_from_won <= b.upper_won AND t.price_until_won > b.lower_won
    GROUP BY b.symbol, b.lower_won, b.upper_won
),
hours AS (
    SELECT d.market, d.business_date, min(s.opens_at) AS opens_at, min(s.closes_at) AS closes_at
    FROM dates AS d
    JOIN market_sessions AS s ON s.market = d.market AND s.matching = 'continuous'
    WHERE s.valid_from = (
        SELECT max(n.valid_from)
        FROM market_sessions AS n
        WHERE
            n.market = s.market AND n.session = s.session AND n.valid_from <= d.business_date
            AND (n.valid_to IS NULL OR n.valid_to >= d.business_date)
    )
    GROUP BY d.market, d.business_date
    HAVING count(*) = 1
),
lasts AS (
    SELECT SQL_BIG_RESULT symbol, business_date, max(trade_id) AS trade_id
    FROM trades
    GROUP BY symbol, business_date
),
judged AS (
    SELECT
        i.symbol,
        concat_ws(' ', p.lower_won, 'to', p.upper_won, 'last', coalesce(t.price_won, i.base_won), 'settles', x.settles_on, 'tax', x.sell_rate,
            CASE WHEN i.opens_at IS NOT NULL THEN concat_ws(' ', 'open', h.opens_at, 'to', h.closes_at) END,
            CASE WHEN i.tick_won IS NOT NULL THEN concat_ws(' ', 'tick', p.tick_won, 'from', p.high_tick_from_won, p.high_tick_won) END) AS due,
        concat_ws(' ', i.lower_won, 'to', i.upper_won, 'last', i.last_won, 'settles', i.settles_on, 'tax', i.sell_tax_rate,
            CASE WHEN i.opens_at IS NOT NULL THEN concat_ws(' ', 'open', i.opens_at, 'to', i.closes_at) END,
            CASE WHEN i.tick_won IS NOT NULL THEN concat_ws(' ', 'tick', i.tick_won, 'from', i.high_tick_from_won, i.high_tick_won) END) AS stated
    FROM stock_inventory AS i
    LEFT JOIN stocks AS k ON k.symbol = i.symbol
    LEFT JOIN steps AS p ON p.symbol = i.symbol
    LEFT JOIN settlements AS x ON x.market = k.market AND x.business_date = i.quote_date
    LEFT JOIN hours AS h ON h.market = k.market AND h.business_date = i.quote_date
    LEFT JOIN lasts AS l ON l.symbol = i.symbol AND l.business_date = i.quote_date
    LEFT JOIN trades AS t ON t.trade_id = l.trade_id
),
wrong AS (
    SELECT symbol, due, stated
    FROM judged
    WHERE due <> stated
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY symbol) AS place_no,
        count(*) OVER () AS violations,
        concat_ws(' ', 'issue', symbol) AS entity,
        due AS expected,
        stated AS found
    FROM wrong
    ORDER BY place_no
    LIMIT 20
),
looked AS (
    SELECT (SELECT count(*) FROM stock_inventory) AS looked_at
)
SELECT l.looked_at, coalesce(s.violations, 0) AS violations, s.entity, s.expected, s.found
FROM looked AS l
LEFT JOIN shown AS s ON 1 = 1
ORDER BY s.place_no
