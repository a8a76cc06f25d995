-- Of new trades and new journals: what each invariant looked at, and how many rows may violate it.
-- Every new trade is held to its orders and to its journal, which is new with it; then what is left of the new entries is no
-- trade's. What adds up to nothing in each journal adds up to nothing in all of them. Of a trade whose fees and tax are right, the
-- accounts and the issue are there.
-- A row that may not is right for certain: what cannot be told counts. Tables made DISTINCT are in memory, with a key.
WITH RECURSIVE days (n) AS (
    SELECT 1
    UNION ALL
    SELECT n + 1 FROM days WHERE n < 30
),
dates AS (
    SELECT m.market, d.business_date
    FROM (SELECT DISTINCT business_date FROM new_trades) AS d
    CROSS JOIN (SELECT DISTINCT market FROM stocks) AS m
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
settlements_due AS (
    -- The date comes first: the other way round its key in memory takes four times as long.
    SELECT DISTINCT o.business_date, k.symbol, o.open_date AS settles_on, x.sell_rate
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
        ) AS tax_fits,
        j.journal_id, j.leg, j.business_date = t.business_date AS is_of_date, t.buy_fee_won + t.sell_fee_won > 0 AS has_fee, t.sell_tax_won > 0 AS has_tax,
        -- The taker's cash, the maker's, the taker's shares, the maker's, fees, tax.
        j.business_date = t.business_date AND CASE
            WHEN j.leg = 5 THEN j.kind = 'fee' AND j.asset = 'KRW' AND j.account_id = 2 AND j.amount > 0 AND j.amount = t.buy_fee_won + t.sell_fee_won
            WHEN j.leg = 6 THEN j.kind = 'tax' AND j.asset = 'KRW' AND j.account_id = 3 AND j.amount > 0 AND j.amount = t.sell_tax_won
            WHEN j.leg NOT BETWEEN 1 AND 4 THEN FALSE
            WHEN (t.taker_side = 'buy') = (j.leg IN (1, 3)) THEN
                j.account_id = coalesce(b.account_id, 1) AND j.kind = 'trade'
                AND CASE WHEN j.leg < 3 THEN j.asset = 'KRW' AND j.amount = -t.price_won * t.quantity - t.buy_fee_won ELSE j.asset = t.symbol AND j.amount = t.quantity END
            ELSE
                j.account_id = coalesce(s.account_id, 1) AND j.kind = 'trade'
                AND CASE
                    WHEN j.leg < 3 THEN j.asset = 'KRW' AND j.amount = t.price_won * t.quantity - t.sell_fee_won - t.sell_tax_won
                    ELSE j.asset = t.symbol AND j.amount = -t.quantity
                END
        END AS leg_fits
    FROM new_trades AS t
    LEFT JOIN orders AS b ON b.order_id = t.buy_order_id
    LEFT JOIN orders AS s ON s.order_id = t.sell_order_id
    LEFT JOIN owners AS ba ON ba.account_id = b.account_id AND t.business_date >= ba.valid_from AND t.business_date < ba.valid_until
    LEFT JOIN owners AS sa ON sa.account_id = s.account_id AND t.business_date >= sa.valid_from AND t.business_date < sa.valid_until
    LEFT JOIN settlements_due AS x ON x.business_date = t.business_date AND x.symbol = t.symbol
    LEFT JOIN journal_entries AS j IGNORE INDEX (journal_entries_account_ix) ON j.journal_id = t.trade_id
),
-- As many legs are there as are due, and all of them fit: then each is there once. A bit says what does not fit of any.
dealt AS (
    SELECT
        count(CASE leg WHEN 1 THEN CASE WHEN is_of_date THEN 1 END END) AS trades, count(journal_id) AS legs,
        sum(CASE leg WHEN 1 THEN 4 + has_fee + has_tax ELSE 0 END) AS legs_due,
        bit_or(
            CASE WHEN leg_fits THEN 0 ELSE 1 END
            + CASE leg WHEN 1 THEN 2 * (NOT sides_fit) + 4 * (NOT owners_differ) + 8 * (NOT fees_fit) + 16 * (NOT tax_fits) ELSE 0 END
        ) AS faults
    FROM judged
),
-- The journals that no trade has.
others AS (
    SELECT
        coalesce(sum(legs), 0) AS legs, coalesce(sum(strays), 0) AS strays,
        coalesce(sum(total <> 0 OR legs < 2 OR first_date <> last_date), 0) AS journals
    FROM (
        SELECT
            e.journal_id, e.asset, count(*) AS legs, sum(e.amount) AS total, min(e.business_date) AS first_date, max(e.business_date) AS last_date,
            sum(k.account_id IS NULL OR (e.asset <> 'KRW' AND i.symbol IS NULL)) AS strays
        FROM new_journal_entries AS e
        LEFT JOIN accounts AS k ON k.account_id = e.account_id
        LEFT JOIN stocks AS i ON i.symbol = e.asset
        WHERE e.kind NOT IN ('trade', 'fee', 'tax')
        GROUP BY e.journal_id, e.asset
    ) AS o
),
-- Of other tables than the journal.
strays AS (
    SELECT 1 AS n
    FROM (SELECT DISTINCT user_id FROM new_audit_log WHERE user_id IS NOT NULL) AS n
    LEFT JOIN users AS k ON k.user_id = n.user_id
    WHERE k.user_id IS NULL
    UNION ALL
    SELECT 1
    FROM (SELECT DISTINCT symbol FROM stock_prices) AS n
    LEFT JOIN stocks AS k ON k.symbol = n.symbol
    WHERE k.symbol IS NULL
    UNION ALL
    SELECT 1
    FROM (SELECT DISTINCT symbol FROM technical_indicators) AS n
    LEFT JOIN stocks AS k ON k.symbol = n.symbol
    WHERE k.symbol IS NULL
),
suspected AS (
    SELECT
        t.faults, t.trades <> %(new_trades_count)s AS missing,
        (t.trades <> %(new_trades_count)s) + (t.legs <> t.legs_due) + (t.faults & 1) + (%(new_journal_entries_count)s <> t.legs + o.legs) AS journals,
        o.journals AS other_journals, o.strays
    FROM dealt AS t
    CROSS JOIN others AS o
),
names AS (
    SELECT 'trade_sides' AS name
    UNION ALL SELECT 'self_trade'
    UNION ALL SELECT 'fees'
    UNION ALL SELECT 'tax'
    UNION ALL SELECT 'trade_journal'
    UNION ALL SELECT 'journal_zero'
    UNION ALL SELECT 'global_zero'
    UNION ALL SELECT 'orphans'
)
SELECT
    n.name,
    CASE n.name
        WHEN 'self_trade' THEN (SELECT count(*) FROM new_trades WHERE buy_order_id IS NOT NULL AND sell_order_id IS NOT NULL)
        WHEN 'journal_zero' THEN %(new_journal_entries_count)s + 0
        WHEN 'global_zero' THEN %(new_journal_entries_count)s + 0
        WHEN 'orphans'
            THEN %(new_journal_entries_count)s + %(new_audit_log_count)s + (SELECT count(*) FROM stock_prices) + (SELECT count(*) FROM technical_indicators)
        ELSE %(new_trades_count)s + 0
    END AS looked_at,
    CASE n.name
        WHEN 'trade_sides' THEN s.missing + (s.faults & 2)
        WHEN 'self_trade' THEN s.missing + (s.faults & 4)
        WHEN 'fees' THEN s.missing + (s.faults & 8)
        WHEN 'tax' THEN s.missing + (s.faults & 16)
        WHEN 'trade_journal' THEN s.journals
        WHEN 'orphans'
            THEN s.missing + (s.faults & 24) + s.journals + s.strays + ((SELECT count(*) FROM accounts WHERE account_id IN (1, 2, 3)) <> 3)
            + (SELECT count(*) FROM strays)
        ELSE s.journals + s.other_journals
    END AS suspects
FROM suspected AS s
CROSS JOIN names AS n
ORDER BY n.name
