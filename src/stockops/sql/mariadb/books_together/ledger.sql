-- Of all that reads the trades with their orders, or the journal by account: what each looked at, and how many rows may violate it.
-- Every trade is held to its orders and to its journal; then what is left of the journal is no trade's. Entries are added up
-- once by account and asset, of cash and of the house by date, too, and each sum is held to whatever states it.
-- A row that may not is right for certain: what cannot be told counts. Tables made DISTINCT are in memory, with a key.
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
    FROM trades AS t
    LEFT JOIN orders AS b ON b.order_id = t.buy_order_id
    LEFT JOIN orders AS s ON s.order_id = t.sell_order_id
    LEFT JOIN owners AS ba ON ba.account_id = b.account_id AND t.business_date >= ba.valid_from AND t.business_date < ba.valid_until
    LEFT JOIN owners AS sa ON sa.account_id = s.account_id AND t.business_date >= sa.valid_from AND t.business_date < sa.valid_until
    LEFT JOIN settlements_due AS x ON x.business_date = t.business_date AND x.symbol = t.symbol
    LEFT JOIN journal_entries AS j IGNORE INDEX (journal_entries_account_ix) ON j.journal_id = t.trade_id
),
-- As many legs fit as are due, and no others are there: then each is there once.
dealt AS (
    SELECT
        count(CASE leg WHEN 1 THEN CASE WHEN is_of_date THEN 1 END END) AS trades,
        count(CASE leg WHEN 1 THEN CASE WHEN is_of_date AND sides_fit THEN 1 END END) AS sides,
        count(CASE leg WHEN 1 THEN CASE WHEN is_of_date AND owners_differ THEN 1 END END) AS owners,
        count(CASE leg WHEN 1 THEN CASE WHEN is_of_date AND fees_fit THEN 1 END END) AS fees,
        count(CASE leg WHEN 1 THEN CASE WHEN is_of_date AND tax_fits THEN 1 END END) AS taxes,
        4 * count(CASE leg WHEN 1 THEN CASE WHEN is_of_date THEN 1 END END)
        + count(CASE leg WHEN 1 THEN CASE WHEN is_of_date AND has_fee THEN 1 END END)
        + count(CASE leg WHEN 1 THEN CASE WHEN is_of_date AND has_tax THEN 1 END END) AS legs,
        count(CASE WHEN leg_fits THEN 1 END) AS right_legs, count(journal_id) AS all_legs
    FROM judged
),
-- The journals that no trade has.
others AS (
    SELECT
        coalesce(sum(legs), 0) AS legs, coalesce(sum(actions), 0) AS actions,
        coalesce(sum(total <> 0 OR legs < 2 OR first_date <> last_date), 0) AS journals
    FROM (
        SELECT
            journal_id, asset, count(*) AS legs, sum(kind = 'action') AS actions, sum(amount) AS total,
            min(business_date) AS first_date, max(business_date) AS last_date
        FROM journal_entries IGNORE INDEX (journal_entries_account_ix)
        WHERE kind NOT IN ('trade', 'fee', 'tax')
        GROUP BY journal_id, asset
    ) AS o
),
sums AS (
    SELECT SQL_BIG_RESULT
        account_id, asset,
        CASE WHEN asset = 'KRW' OR account_id <= (SELECT max(a.account_id) FROM accounts AS a WHERE a.kind <> 'customer') THEN business_date END AS entered_on,
        sum(amount) AS amount, count(*) AS entries,
        sum(CASE WHEN kind IN ('trade', 'fee', 'tax') THEN amount ELSE 0 END) AS traded, sum(kind IN ('trade', 'fee', 'tax')) AS traded_entries
    FROM journal_entries IGNORE INDEX (journal_entries_account_ix)
    GROUP BY account_id, asset, entered_on
),
-- On which settled date the trades of a date are due; where they are not of one settlement date, nobody can tell.
due_dates AS (
    SELECT
        business_date, (SELECT min(d.settles_on) FROM settlement_days AS d WHERE d.settles_on >= t.last_on) AS settled_on, first_on <> last_on AS is_unclear
    FROM (SELECT business_date, min(settles_on) AS first_on, max(settles_on) AS last_on FROM trades GROUP BY business_date) AS t
),
-- What is stated counts against what was entered, each in its way: 1 by account and asset, 2 the cash that a date settled, 3 the
-- cash that is settled or not yet, 4 what the house had of an asset on a date.
sides AS (
    SELECT
        w.way, s.account_id, s.asset, CASE w.way WHEN 2 THEN d.settled_on WHEN 4 THEN s.entered_on END AS on_date,
        CASE w.way WHEN 2 THEN s.traded WHEN 3 THEN s.amount - CASE WHEN d.settled_on IS NULL THEN 0 ELSE s.traded END ELSE s.amount END AS amount,
        CASE w.way WHEN 2 THEN s.traded_entries WHEN 3 THEN 0 ELSE s.entries END AS entries,
        0 AS stated, 0 AS in_inventory, CASE WHEN w.way = 2 AND d.is_unclear THEN 1 ELSE 0 END AS unclear
    FROM sums AS s
    STRAIGHT_JOIN (SELECT 1 AS way UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4) AS w
    LEFT JOIN (SELECT DISTINCT account_id FROM accounts WHERE kind <> 'customer') AS h ON h.account_id = s.account_id
    LEFT JOIN due_dates AS d ON d.business_date = s.entered_on
    WHERE
        CASE w.way
            WHEN 1 THEN TRUE
            WHEN 2 THEN s.asset = 'KRW' AND s.traded_entries > 0 AND (d.settled_on IS NOT NULL OR d.is_unclear)
            WHEN 3 THEN s.asset = 'KRW' AND h.account_id IS NULL
            ELSE h.account_id IS NOT NULL AND s.entered_on <= (SELECT max(f.business_date) FROM house_balances AS f)
        END
    UNION ALL
    SELECT 1, account_id, symbol, NULL, 0, 0, quantity, 0, 0 FROM positions
    UNION ALL
    SELECT 1, account_id, 'KRW', NULL, 0, 0, cash_won, 0, 0 FROM accounts
    UNION ALL
    SELECT 1, NULL, symbol, NULL, 0, 0, 0, available_shares, 0 FROM stock_inventory
    UNION ALL
    SELECT 2, account_id, 'KRW', settles_on, -amount_won, -entries, 0, 0, 0 FROM settlements
    UNION ALL
    SELECT 3, account_id, 'KRW', NULL, amount_won, 0, 0, 0, 0 FROM settlements WHERE account_id NOT IN (SELECT a.account_id FROM accounts AS a WHERE a.kind <> 'customer')
    UNION ALL
    SELECT 3, account_id, 'KRW', NULL, -cash_won, 0, 0, 0, 0 FROM accounts WHERE kind = 'customer'
    UNION ALL
    SELECT 4, account_id, asset, business_date, -amount, -entries, 0, 0, 0 FROM house_balances
),
balances AS (
    SELECT SQL_BIG_RESULT
        way, account_id, asset, on_date, sum(amount) AS amount, sum(entries) AS entries, sum(stated) AS stated, sum(in_inventory) AS in_inventory,
        sum(unclear) AS unclear
    FROM sides
    GROUP BY way, account_id, asset, on_date
),
assets AS (
    SELECT
        b.way, b.asset, sum(b.amount) AS amount, sum(b.entries) AS entries,
        sum(b.in_inventory) - coalesce(sum(CASE a.kind WHEN 'house' THEN b.amount END), 0) AS extra_shares,
        -- The house carries nothing in its rows.
        coalesce(sum(b.stated <> CASE WHEN a.kind <> 'customer' THEN 0 ELSE b.amount END), 0) AS balances,
        sum(b.amount <> 0 OR b.entries <> 0 OR b.unclear > 0) AS unequal,
        sum(a.account_id IS NULL AND b.entries > 0) AS orphans
    FROM balances AS b
    LEFT JOIN accounts AS a ON a.account_id = b.account_id
    GROUP BY b.way, b.asset
),
counted AS (
    SELECT
        coalesce(sum(CASE s.way WHEN 1 THEN s.entries END), 0) AS entries,
        sum(s.way = 1 AND s.amount <> 0) AS sums, sum(CASE WHEN s.way = 1 AND s.asset = 'KRW' THEN s.balances ELSE 0 END) AS cash,
        sum(CASE WHEN s.way = 1 AND s.asset <> 'KRW' THEN s.balances ELSE 0 END) AS holdings,
        sum(s.way = 1 AND s.asset <> 'KRW' AND s.extra_shares <> 0) AS inventory,
        sum(CASE WHEN s.way IN (2, 3) THEN s.unequal ELSE 0 END) AS settled,
        sum(CASE s.way WHEN 4 THEN s.unequal ELSE 0 END) AS folded,
        sum(CASE s.way WHEN 1 THEN s.orphans + (s.asset <> 'KRW' AND s.entries > 0 AND k.symbol IS NULL) ELSE 0 END) AS orphans
    FROM assets AS s
    LEFT JOIN stocks AS k ON k.symbol = s.asset
),
settled_days AS (
    SELECT
        d.settles_on, d.trades, d.value_won, d.fees_won, d.taxes_won, lead(d.settles_on) OVER (ORDER BY d.settles_on) AS next_on
    FROM settlement_days AS d
),
-- Of the settled dates: those that do not hold their trades, that do not add up to nothing, and the business days left out.
odd_days AS (
    SELECT 1 AS n
    FROM settlement_days AS d
    LEFT JOIN (
        SELECT
            (SELECT min(e.settles_on) FROM settlement_days AS e WHERE e.settles_on >= g.settles_on) AS settled_on,
            sum(g.trades) AS trades, sum(g.value_won) AS value_won, sum(g.fees_won) AS fees_won, sum(g.taxes_won) AS taxes_won
        FROM (
            SELECT
                settles_on, count(*) AS trades, sum(price_won * quantity) AS value_won, sum(buy_fee_won + sell_fee_won) AS fees_won, sum(sell_tax_won) AS taxes_won
            FROM trades
            GROUP BY settles_on
        ) AS g
        GROUP BY 1
    ) AS t ON t.settled_on = d.settles_on
    WHERE
        d.trades <> coalesce(t.trades, 0) OR d.value_won <> coalesce(t.value_won, 0)
        OR d.fees_won <> coalesce(t.fees_won, 0) OR d.taxes_won <> coalesce(t.taxes_won, 0)
    UNION ALL
    (SELECT 1 FROM settlements GROUP BY settles_on HAVING sum(amount_won) <> 0)
    UNION ALL
    SELECT 1
    FROM settled_days AS d
    JOIN days AS s ON d.settles_on + INTERVAL s.n DAY < d.next_on
    CROSS JOIN (SELECT DISTINCT market FROM stocks) AS m
    LEFT JOIN market_holidays AS h ON h.market = m.market AND h.holiday = d.settles_on + INTERVAL s.n DAY
    WHERE h.holiday IS NULL AND weekday(d.settles_on + INTERVAL s.n DAY) < 5
),
-- Of other tables than the journal.
strays AS (
    SELECT 1 AS n
    FROM (SELECT DISTINCT user_id FROM audit_log WHERE user_id IS NOT NULL) AS n
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
        n.trades, c.entries, n.trades - t.sides AS sides, n.trades - t.owners AS owners, n.trades - t.fees AS fees, n.trades - t.taxes AS taxes,
        (t.trades <> n.trades) + (t.legs <> t.right_legs) + (t.legs <> t.all_legs) + (c.entries <> t.all_legs + o.legs) AS journals, o.journals AS other_journals,
        o.actions, c.sums, c.cash, c.holdings, c.inventory, c.settled, c.folded, c.orphans
    FROM (SELECT count(*) AS trades FROM trades) AS n
    CROSS JOIN dealt AS t
    CROSS JOIN others AS o
    CROSS JOIN counted AS c
),
names AS (
    SELECT 'trade_sides' AS name
    UNION ALL SELECT 'self_trade'
    UNION ALL SELECT 'fees'
    UNION ALL SELECT 'tax'
    UNION ALL SELECT 'trade_journal'
    UNION ALL SELECT 'journal_zero'
    UNION ALL SELECT 'global_zero'
    UNION ALL SELECT 'cash'
    UNION ALL SELECT 'holdings'
    UNION ALL SELECT 'inventory'
    UNION ALL SELECT 'settlement'
    UNION ALL SELECT 'house_balances'
    UNION ALL SELECT 'corporate_actions'
    UNION ALL SELECT 'orphans'
)
SELECT
    n.name,
    CASE n.name
        WHEN 'self_trade' THEN (SELECT count(*) FROM trades WHERE buy_order_id IS NOT NULL AND sell_order_id IS NOT NULL)
        WHEN 'journal_zero' THEN s.entries
        WHEN 'global_zero' THEN s.entries
        WHEN 'cash' THEN (SELECT count(*) FROM accounts)
        WHEN 'holdings' THEN (SELECT count(*) FROM positions)
        WHEN 'inventory' THEN (SELECT count(*) FROM stocks)
        WHEN 'house_balances' THEN (SELECT count(*) FROM house_balances)
        WHEN 'corporate_actions'
            THEN (SELECT count(*) FROM stocks) + (SELECT count(*) FROM corporate_actions) + (SELECT count(*) FROM corporate_action_lines)
        WHEN 'orphans'
            THEN s.entries + (SELECT count(*) FROM audit_log) + (SELECT count(*) FROM stock_prices) + (SELECT count(*) FROM technical_indicators)
        ELSE s.trades
    END AS looked_at,
    CASE n.name
        WHEN 'trade_sides' THEN s.sides
        WHEN 'self_trade' THEN s.owners
        WHEN 'fees' THEN s.fees
        WHEN 'tax' THEN s.taxes
        WHEN 'trade_journal' THEN s.journals
        WHEN 'journal_zero' THEN s.journals + s.other_journals
        WHEN 'global_zero' THEN s.sums
        WHEN 'cash' THEN s.cash
        WHEN 'holdings' THEN s.holdings
        WHEN 'inventory' THEN s.inventory
        -- Which entries are of trades, and of which, is certain where every trade has its journal.
        WHEN 'settlement' THEN s.journals + s.settled + (SELECT count(*) FROM odd_days)
        WHEN 'house_balances' THEN s.folded
        WHEN 'corporate_actions' THEN s.actions + (SELECT count(*) FROM corporate_actions) + (SELECT count(*) FROM corporate_action_lines)
        ELSE s.orphans + (SELECT count(*) FROM strays)
    END AS suspects,
    CASE n.name
        WHEN 'settlement' THEN concat_ws(' ', 'settled through', coalesce((SELECT max(settles_on) FROM settlement_days), 'no date yet'))
        WHEN 'house_balances' THEN concat_ws(' ', 'folded through', coalesce((SELECT max(business_date) FROM house_balances), 'no date yet'))
        ELSE ''
    END AS note
FROM suspected AS s
CROSS JOIN names AS n
ORDER BY n.name
