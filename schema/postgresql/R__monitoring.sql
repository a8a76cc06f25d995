-- What the business does, in figures: the monitor reads these, and never a row of the business.
-- Each is cheap with many millions of orders: open orders are counted in the index of the book, issue by issue, and
-- events by their number, between two numbers.

-- A function, because a view would keep trades from being dropped, and whoever does that by mistake would not be stopped
-- by it but sent to CASCADE.
CREATE OR REPLACE FUNCTION unsettled_since()
RETURNS date LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $body$
    SELECT t.settles_on
    FROM trades AS t
    WHERE
        t.trade_id >= coalesce((SELECT max(m.open_from_id) FROM settlement_days AS m), 0)
        AND t.settles_on > coalesce((SELECT max(m.settles_on) FROM settlement_days AS m), DATE '0001-01-01')
    ORDER BY t.trade_id
    LIMIT 1
$body$;
COMMENT ON FUNCTION unsettled_since() IS 'Settlement date of the first trade that is not settled, looked for from the high-water mark of the last settled date on';

CREATE OR REPLACE VIEW trading_now AS
SELECT
    coalesce(b.open_orders, 0) AS open_orders,
    o.recorded_at AS oldest_open_at,
    (SELECT l.business_date FROM orders AS l ORDER BY l.order_id DESC LIMIT 1) - o.business_date AS oldest_open_days,
    n.queued_notices,
    q.created_at AS oldest_queued_at,
    c.overdue_conditions,
    c.oldest_overdue_at,
    u.unsettled_since,
    greatest((SELECT max(d.quote_date) FROM stock_inventory AS d) - u.unsettled_since, 0) AS overdue_settlement_days
FROM (
    SELECT sum(r.orders)::bigint AS open_orders, min(r.oldest_id) AS oldest_id
    FROM stocks AS s
    CROSS JOIN (VALUES ('buy'), ('sell')) AS x (side)
    -- An aggregate for each issue and side, so that every version looks only at what rests.
    CROSS JOIN LATERAL (
        SELECT count(*) AS orders, min(i.order_id) AS oldest_id
        FROM orders AS i
        WHERE i.symbol = s.symbol AND i.side = x.side AND i.resting_won >= 1
    ) AS r
) AS b
CROSS JOIN (
    SELECT count(*) AS queued_notices, min(m.notification_id) AS oldest_id
    FROM notifications AS m
    WHERE m.status = 'queued'
) AS n
CROSS JOIN (
    SELECT count(*) AS overdue_conditions, min(d.expires_at) AS oldest_overdue_at
    FROM conditions AS d
    WHERE d.status IN ('active', 'paused') AND d.expires_at < now()
) AS c
CROSS JOIN (SELECT unsettled_since() AS unsettled_since) AS u
LEFT JOIN orders AS o ON o.order_id = b.oldest_id
LEFT JOIN notifications AS q ON q.notification_id = n.oldest_id;
COMMENT ON VIEW trading_now IS 'Open orders, undelivered notices, conditions past their end and days that were not settled, counted';

CREATE OR REPLACE FUNCTION trading_events(p_after bigint, p_through bigint)
RETURNS TABLE (last_event bigint, placed bigint, rejected bigint, cancelled bigint, trades bigint, traded_won numeric)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $body$
    SELECT
        (SELECT greatest((SELECT max(m.audit_id) FROM audit_log AS m), (SELECT max(t.trade_id) FROM trades AS t), 0)),
        count(*) FILTER (WHERE l.action = 'place'),
        count(*) FILTER (WHERE l.action = 'place' AND split_part(l.detail, ' ', 7) = 'rejected'),
        count(*) FILTER (WHERE l.action IN ('cancel', 'expire') OR (l.action = 'place' AND split_part(l.detail, ' ', 7) = 'cancelled')),
        (SELECT count(*) FROM trades AS t WHERE t.trade_id > p_after AND t.trade_id <= p_through),
        (SELECT coalesce(sum(t.value_won), 0) FROM trades AS t WHERE t.trade_id > p_after AND t.trade_id <= p_through)
    FROM audit_log AS l
    WHERE l.audit_id > p_after AND l.audit_id <= p_through
$body$;
COMMENT ON FUNCTION trading_events(bigint, bigint) IS 'What became of the orders, and what was traded, in the events after one number and through another';
