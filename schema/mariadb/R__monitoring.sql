-- What the business does, in figures: the monitor reads these, and never a row of the business.
-- Each is cheap with many millions of orders: open orders are counted in the index of the book, issue by issue, and
-- events by their number, between two numbers. MariaDB 10.11 reads the whole index where an issue comes from a join, and
-- the range alone where it is a constant: so a function looks at one issue.

CREATE OR REPLACE FUNCTION resting_orders(p_symbol VARCHAR(6) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin)
RETURNS BIGINT READS SQL DATA
COMMENT 'How many orders of an issue rest in the book'
RETURN (
    SELECT count(*) FROM orders AS o FORCE INDEX (orders_book_ix)
    WHERE o.symbol = p_symbol AND o.side IN ('buy', 'sell') AND o.resting_won >= 1
);

CREATE OR REPLACE FUNCTION oldest_resting_order(p_symbol VARCHAR(6) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin)
RETURNS BIGINT READS SQL DATA
COMMENT 'Number of the oldest order of an issue that rests in the book; NULL where none does'
RETURN (
    SELECT min(o.order_id) FROM orders AS o FORCE INDEX (orders_book_ix)
    WHERE o.symbol = p_symbol AND o.side IN ('buy', 'sell') AND o.resting_won >= 1
);

CREATE OR REPLACE VIEW trading_now AS
SELECT
    CAST(coalesce(b.open_orders, 0) AS SIGNED) AS open_orders,
    o.recorded_at AS oldest_open_at,
    datediff((SELECT l.business_date FROM orders AS l ORDER BY l.order_id DESC LIMIT 1), o.business_date) AS oldest_open_days,
    n.queued_notices,
    q.created_at AS oldest_queued_at,
    c.overdue_conditions,
    c.oldest_overdue_at,
    u.settles_on AS unsettled_since,
    greatest(datediff((SELECT max(d.quote_date) FROM stock_inventory AS d), u.settles_on), 0) AS overdue_settlement_days
FROM (
    SELECT sum(resting_orders(s.symbol)) AS open_orders, min(oldest_resting_order(s.symbol)) AS oldest_id
    FROM stocks AS s
) AS b
CROSS JOIN (
    SELECT count(*) AS queued_notices, min(m.notification_id) AS oldest_id
    FROM notifications AS m
    WHERE m.status = 'queued'
) AS n
CROSS JOIN (
    SELECT count(*) AS overdue_conditions, min(d.expires_at) AS oldest_overdue_at
    FROM conditions AS d
    WHERE d.status IN ('active', 'paused') AND d.expires_at < utc_timestamp(6)
) AS c
LEFT JOIN orders AS o ON o.order_id = b.oldest_id
LEFT JOIN notifications AS q ON q.notification_id = n.oldest_id
-- The first trade that is not settled: looked for from the high-water mark of the last settled date on.
LEFT JOIN trades AS u
    ON u.trade_id = (
        SELECT t.trade_id
        FROM trades AS t
        WHERE
            t.trade_id >= coalesce((SELECT max(m.open_from_id) FROM settlement_days AS m), 0)
            AND t.settles_on > coalesce((SELECT max(m.settles_on) FROM settlement_days AS m), DATE '0001-01-01')
        ORDER BY t.trade_id
        LIMIT 1
    );

CREATE OR REPLACE PROCEDURE trading_events(IN p_after BIGINT, IN p_through BIGINT)
READS SQL DATA
COMMENT 'What became of the orders, and what was traded, in the events after one number and through another'
SELECT
    (SELECT greatest(coalesce((SELECT max(m.audit_id) FROM audit_log AS m), 0), coalesce((SELECT max(t.trade_id) FROM trades AS t), 0))) AS last_event,
    count(CASE WHEN l.action = 'place' THEN 1 END) AS placed,
    count(CASE WHEN l.action = 'place' AND substring_index(substring_index(l.detail, ' ', 7), ' ', -1) = 'rejected' THEN 1 END) AS rejected,
    count(
        CASE
            WHEN l.action IN ('cancel', 'expire') THEN 1
            WHEN l.action = 'place' AND substring_index(substring_index(l.detail, ' ', 7), ' ', -1) = 'cancelled' THEN 1
        END
    ) AS cancelled,
    (SELECT count(*) FROM trades AS t WHERE t.trade_id > p_after AND t.trade_id <= p_through) AS trades,
    (SELECT coalesce(sum(t.value_won), 0) FROM trades AS t WHERE t.trade_id > p_after AND t.trade_id <= p_through) AS traded_won
FROM audit_log AS l
WHERE l.audit_id > p_after AND l.audit_id <= p_through;

-- The owner of the books waits for these before a proof is stored, and sees no session and no statement of others otherwise.
CREATE OR REPLACE PROCEDURE open_writers()
READS SQL DATA
COMMENT 'Transactions that have written or locked a row and have not ended, prepared ones too'
SELECT concat_ws(' ', x.trx_mysql_thread_id, x.trx_started) AS writer
FROM information_schema.innodb_trx AS x
WHERE x.trx_mysql_thread_id <> connection_id() AND (x.trx_rows_locked > 0 OR x.trx_rows_modified > 0 OR x.trx_lock_structs > 0)
ORDER BY writer;
