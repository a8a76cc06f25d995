-- Of all that is asked of the journal and of its trades, in one pass over both: what each invariant looked at, and how many rows may violate it.
-- An entry of a trade is right where it is what an order writes under the number of its leg; the primary key lets no leg be
-- there twice. As many right ones as are due and no wrong ones: then each trade has its journal, and that sums to nothing.
-- What is added up is added up once, for each account, asset, date on which it settles and, of the house, business date.
WITH RECURSIVE steps (n) AS (
    SELECT 1
    UNION ALL
    SELECT n + 1 FROM steps WHERE n < 30
),
-- All trades by their dates.
dealt AS MATERIALIZED (
    SELECT
        business_date, settles_on, count(*) AS trades, count(*) FILTER (WHERE buy_order_id IS NOT NULL AND sell_order_id IS NOT NULL) AS of_two,
        sum(price_won * quantity) AS value_won, sum(buy_fee_won + sell_fee_won) AS fees_won, sum(sell_tax_won) AS taxes_won,
        sum(CASE buy_fee_won + sell_fee_won WHEN 0 THEN 4 ELSE 5 END + CASE sell_tax_won WHEN 0 THEN 0 ELSE 1 END) AS legs_due
    FROM trades
    GROUP BY business_date, settles_on
),
traded AS MATERIALIZED (
    SELECT coalesce(sum(trades), 0) AS trades, coalesce(sum(of_two), 0) AS of_two, coalesce(sum(legs_due), 0) AS legs_due FROM dealt
),
due_on AS MATERIALIZED (
    SELECT n.settles_on, (SELECT min(d.settles_on) FROM settlement_days AS d WHERE d.settles_on >= n.settles_on) AS day_on
    FROM (SELECT DISTINCT settles_on FROM dealt) AS n
),
dates AS (
    SELECT m.market, d.business_date
    FROM (SELECT DISTINCT business_date FROM dealt) AS d
    CROSS JOIN (SELECT DISTINCT market FROM stocks) AS m
),
open_days AS (
    SELECT
        d.market, d.business_date, d.business_date + s.n AS open_date,
        row_number() OVER (PARTITION BY d.market, d.business_date ORDER BY s.n) AS days_after
    FROM dates AS d
    CROSS JOIN steps AS s
    LEFT JOIN market_holidays AS h ON h.market = d.market AND h.holiday = d.business_date + s.n
    WHERE h.holiday IS NULL AND extract(isodow FROM d.business_date + s.n) < 6
),
taxes AS (
    SELECT
        market, sell_rate, settles_from,
        coalesce(lead(settles_from) OVER (PARTITION BY market ORDER BY settles_from), DATE '9999-12-31') AS settles_until
    FROM tax_rates
),
taxed AS (
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
-- Each trade, and what both orders say of it. Of an order of the wrong side nothing is known, and an unknown account is nobody's.
sided AS (
    SELECT
        t.trade_id, t.business_date, t.symbol, t.taker_side = 'buy' AS buys, d.day_on,
        CASE WHEN t.buy_order_id IS NULL THEN 1 ELSE b.account_id END AS buyer_id, CASE WHEN t.sell_order_id IS NULL THEN 1 ELSE s.account_id END AS seller_id,
        t.quantity::bigint AS quantity, -t.price_won * t.quantity - t.buy_fee_won AS paid_won,
        t.price_won * t.quantity - t.sell_fee_won - t.sell_tax_won AS got_won,
        t.buy_fee_won + t.sell_fee_won AS fees_won, t.sell_tax_won::bigint AS tax_won,
        coalesce(
            (
                t.buy_order_id IS NULL OR (
                    b.symbol = t.symbol AND b.business_date = t.business_date AND b.order_id < t.trade_id AND coalesce(b.limit_won >= t.price_won, b.kind = 'market')
                )
            )
            AND (
                t.sell_order_id IS NULL OR (
                    s.symbol = t.symbol AND s.business_date = t.business_date AND s.order_id < t.trade_id AND coalesce(s.limit_won <= t.price_won, s.kind = 'market')
                )
            )
            AND CASE t.taker_side
                WHEN 'buy' THEN t.buy_order_id IS NOT NULL AND (
                    t.sell_order_id IS NULL OR (s.order_id < b.order_id AND s.kind = 'limit' AND (t.auction_id IS NOT NULL OR s.limit_won = t.price_won))
                )
                WHEN 'sell' THEN t.sell_order_id IS NOT NULL AND (
                    t.buy_order_id IS NULL OR (b.order_id < s.order_id AND b.kind = 'limit' AND (t.auction_id IS NOT NULL OR b.limit_won = t.price_won))
                )
            END
            AND (t.buy_order_id IS NULL OR t.sell_order_id IS NULL OR ba.user_id <> sa.user_id)
            AND t.buy_fee_won = CASE WHEN t.buy_order_id IS NULL THEN 0 ELSE floor(t.price_won * t.quantity * br.commission_rate) END
            AND t.sell_fee_won = CASE WHEN t.sell_order_id IS NULL THEN 0 ELSE floor(t.price_won * t.quantity * sr.commission_rate) END
            AND t.settles_on = x.settles_on AND t.sell_tax_won = CASE
                WHEN t.sell_order_id IS NULL OR sa.tax_exempt THEN 0
                WHEN NOT sa.tax_exempt THEN floor(t.price_won * t.quantity * x.sell_rate)
            END,
            FALSE
        ) AS fits
    FROM trades AS t
    LEFT JOIN orders AS b ON b.order_id = t.buy_order_id AND b.side = 'buy' AND b.status <> 'rejected'
    LEFT JOIN orders AS s ON s.order_id = t.sell_order_id AND s.side = 'sell' AND s.status <> 'rejected'
    LEFT JOIN accounts AS ba ON ba.account_id = b.account_id
    LEFT JOIN accounts AS sa ON sa.account_id = s.account_id
    LEFT JOIN rates AS br ON br.broker_id = ba.broker_id AND t.business_date >= br.valid_from AND t.business_date < br.valid_until
    LEFT JOIN rates AS sr ON sr.broker_id = sa.broker_id AND t.business_date >= sr.valid_from AND t.business_date < sr.valid_until
    LEFT JOIN taxed AS x ON x.symbol = t.symbol AND x.business_date = t.business_date
    LEFT JOIN due_on AS d ON d.settles_on = t.settles_on
),
-- The legs of the one who took are 1 and 3, those of the other side 2 and 4.
legs AS (
    SELECT
        trade_id, business_date, symbol, coalesce(day_on, 'infinity') AS day_on, fees_won, tax_won, fits,
        CASE WHEN buys THEN buyer_id ELSE seller_id END AS taker_id, CASE WHEN buys THEN seller_id ELSE buyer_id END AS other_id,
        CASE WHEN buys THEN paid_won ELSE got_won END AS taker_won, CASE WHEN buys THEN got_won ELSE paid_won END AS other_won,
        CASE WHEN buys THEN quantity ELSE -quantity END AS taken
    FROM sided
),
entered AS (
    SELECT
        j.account_id, j.asset, j.amount, t.fits AND j.leg = 1 AS fits,
        CASE WHEN t.trade_id IS NOT NULL AND j.asset = 'KRW' THEN t.day_on END AS day_on,
        CASE WHEN j.account_id IN (SELECT a.account_id FROM accounts AS a WHERE a.kind <> 'customer') THEN j.business_date END AS house_date,
        t.trade_id IS NOT NULL OR j.kind IN ('trade', 'fee', 'tax') AS is_of_trade,
        j.business_date = t.business_date AND CASE j.leg
            WHEN 1 THEN j.account_id = t.taker_id AND j.amount = t.taker_won AND j.asset = 'KRW' AND j.kind = 'trade'
            WHEN 2 THEN j.account_id = t.other_id AND j.amount = t.other_won AND j.asset = 'KRW' AND j.kind = 'trade'
            WHEN 3 THEN j.account_id = t.taker_id AND j.amount = t.taken AND j.asset = t.symbol AND j.kind = 'trade'
            WHEN 4 THEN j.account_id = t.other_id AND j.amount = -t.taken AND j.asset = t.symbol AND j.kind = 'trade'
            WHEN 5 THEN j.account_id = 2 AND j.amount = t.fees_won AND j.asset = 'KRW' AND j.kind = 'fee' AND t.fees_won > 0
            WHEN 6 THEN j.account_id = 3 AND j.amount = t.tax_won AND j.asset = 'KRW' AND j.kind = 'tax' AND t.tax_won > 0
        END AS is_right
    FROM journal_entries AS j
    LEFT JOIN legs AS t ON t.trade_id = j.journal_id
    OFFSET 0
),
sums AS MATERIALIZED (
    SELECT
        account_id, asset, day_on, house_date, sum(amount) AS amount, count(*) AS entries, count(*) FILTER (WHERE is_right) AS right_legs,
        count(*) FILTER (WHERE is_of_trade) AS trade_legs, count(*) FILTER (WHERE fits AND is_right) AS fits
    FROM entered
    GROUP BY account_id, asset, day_on, house_date
),
judged AS MATERIALIZED (
    SELECT
        coalesce(sum(s.trade_legs) - sum(s.right_legs), 0) + abs(max(t.legs_due) - coalesce(sum(s.right_legs), 0)) AS wrong_legs,
        max(t.trades) - coalesce(sum(s.fits), 0) AS misfits, coalesce(sum(s.entries), 0) AS entries
    FROM traded AS t
    LEFT JOIN sums AS s ON TRUE
),
-- Journals of no trade.
others AS MATERIALIZED (
    SELECT count(*) FILTER (WHERE amount <> 0 OR legs < 2 OR first_date <> last_date) AS unbalanced, coalesce(sum(actions), 0) AS actions
    FROM (
        SELECT
            sum(amount) AS amount, count(*) AS legs, min(business_date) AS first_date, max(business_date) AS last_date,
            count(*) FILTER (WHERE kind = 'action') AS actions
        FROM journal_entries
        WHERE kind NOT IN ('trade', 'fee', 'tax')
        GROUP BY journal_id, asset
    ) AS j
),
sides AS (
    SELECT account_id, asset, amount, 0 AS stated, 0 AS in_inventory
    FROM sums
    UNION ALL
    SELECT account_id, symbol, 0, quantity, 0 FROM positions
    UNION ALL
    SELECT account_id, 'KRW', 0, cash_won, 0 FROM accounts
    UNION ALL
    SELECT NULL, symbol, 0, 0, available_shares FROM stock_inventory
),
balances AS (
    SELECT account_id, asset, sum(amount) AS amount, sum(stated) AS stated, sum(in_inventory) AS in_inventory
    FROM sides
    GROUP BY account_id, asset
),
assets AS (
    SELECT
        b.asset, sum(b.amount) AS amount, sum(b.in_inventory) - coalesce(sum(CASE a.kind WHEN 'house' THEN b.amount END), 0) AS extra_shares,
        -- The house carries nothing in its rows.
        count(*) FILTER (WHERE b.stated <> CASE WHEN a.kind <> 'customer' THEN 0 ELSE b.amount END) AS balances
    FROM balances AS b
    LEFT JOIN accounts AS a ON a.account_id = b.account_id
    GROUP BY b.asset
),
counted AS (
    SELECT
        count(*) FILTER (WHERE amount <> 0) AS sums, sum(CASE asset WHEN 'KRW' THEN balances ELSE 0 END) AS cash,
        sum(CASE asset WHEN 'KRW' THEN 0 ELSE balances END) AS holdings, count(*) FILTER (WHERE asset <> 'KRW' AND extra_shares <> 0) AS inventory
    FROM assets
),
folded AS (
    SELECT account_id
    FROM (
        SELECT account_id, asset, business_date, amount, entries, 0 AS due, 0 AS due_entries
        FROM house_balances
        UNION ALL
        SELECT account_id, asset, house_date, 0, 0, amount, entries
        FROM sums
        WHERE house_date <= (SELECT max(h.business_date) FROM house_balances AS h)
    ) AS f
    GROUP BY account_id, asset, business_date
    HAVING sum(amount) <> sum(due) OR sum(entries) <> sum(due_entries)
),
settled_dates AS (
    SELECT d.day_on, sum(d.trades) AS trades, sum(d.value_won) AS value_won, sum(d.fees_won) AS fees_won, sum(d.taxes_won) AS taxes_won
    FROM (
        SELECT day_on, trades, value_won, fees_won, taxes_won FROM dealt AS n JOIN due_on AS o ON o.settles_on = n.settles_on
        UNION ALL
        SELECT settles_on, -trades, -value_won, -fees_won, -taxes_won FROM settlement_days
    ) AS d
    WHERE d.day_on IS NOT NULL
    GROUP BY d.day_on
),
unsettled AS (
    SELECT 1 AS n
    FROM (
        SELECT settles_on, account_id, amount_won, entries FROM settlements
        UNION ALL
        SELECT day_on, account_id, -amount, -entries FROM sums WHERE asset = 'KRW' AND day_on < 'infinity'
    ) AS s
    GROUP BY settles_on, account_id
    HAVING sum(amount_won) <> 0 OR sum(entries) <> 0
    UNION ALL
    SELECT 1 FROM settled_dates WHERE trades <> 0 OR value_won <> 0 OR fees_won <> 0 OR taxes_won <> 0
    UNION ALL
    SELECT 1 FROM settlements GROUP BY settles_on HAVING sum(amount_won) <> 0
    UNION ALL
    SELECT 1
    FROM (
        SELECT account_id, cash_won AS won FROM accounts WHERE kind = 'customer'
        UNION ALL
        SELECT account_id, -amount_won FROM settlements
        UNION ALL
        SELECT account_id, -amount FROM sums WHERE asset = 'KRW' AND coalesce(day_on, 'infinity') = 'infinity'
    ) AS c
    WHERE account_id NOT IN (SELECT a.account_id FROM accounts AS a WHERE a.kind <> 'customer')
    GROUP BY account_id
    HAVING sum(won) <> 0
    UNION ALL
    SELECT 1
    FROM (SELECT settles_on, lead(settles_on) OVER (ORDER BY settles_on) AS next_on FROM settlement_days) AS d
    JOIN steps AS s ON d.settles_on + s.n < d.next_on
    CROSS JOIN (SELECT DISTINCT market FROM stocks) AS m
    LEFT JOIN market_holidays AS h ON h.market = m.market AND h.holiday = d.settles_on + s.n
    WHERE h.holiday IS NULL AND extract(isodow FROM d.settles_on + s.n) < 6
),
unknown AS (
    SELECT 1 AS n FROM (SELECT DISTINCT account_id FROM sums) AS n LEFT JOIN accounts AS k ON k.account_id = n.account_id WHERE k.account_id IS NULL
    UNION ALL
    SELECT 1 FROM (SELECT DISTINCT asset FROM sums WHERE asset <> 'KRW') AS n LEFT JOIN stocks AS k ON k.symbol = n.asset WHERE k.symbol IS NULL
    UNION ALL
    SELECT 1
    FROM (SELECT DISTINCT user_id FROM audit_log WHERE user_id IS NOT NULL) AS n
    LEFT JOIN users AS k ON k.user_id = n.user_id
    WHERE k.user_id IS NULL
    UNION ALL
    SELECT 1 FROM (SELECT DISTINCT symbol FROM stock_prices) AS n LEFT JOIN stocks AS k ON k.symbol = n.symbol WHERE k.symbol IS NULL
    UNION ALL
    SELECT 1 FROM (SELECT DISTINCT symbol FROM technical_indicators) AS n LEFT JOIN stocks AS k ON k.symbol = n.symbol WHERE k.symbol IS NULL
)
SELECT 'journal_zero' AS name, entries AS looked_at, wrong_legs + (SELECT unbalanced FROM others) AS suspects, NULL AS note FROM judged
UNION ALL
SELECT 'trade_journal', trades, wrong_legs, NULL FROM judged CROSS JOIN traded
UNION ALL
SELECT n.name, CASE n.name WHEN 'self_trade' THEN t.of_two ELSE t.trades END, j.misfits, NULL
FROM judged AS j
CROSS JOIN traded AS t
CROSS JOIN (SELECT 'trade_sides' AS name UNION ALL SELECT 'self_trade' UNION ALL SELECT 'fees' UNION ALL SELECT 'tax') AS n
UNION ALL
SELECT
    n.name,
    CASE n.name
        WHEN 'global_zero' THEN (SELECT entries FROM judged)
        WHEN 'cash' THEN (SELECT count(*) FROM accounts)
        WHEN 'holdings' THEN (SELECT count(*) FROM positions)
        ELSE (SELECT count(*) FROM stocks)
    END,
    CASE n.name WHEN 'global_zero' THEN c.sums WHEN 'cash' THEN c.cash WHEN 'holdings' THEN c.holdings ELSE c.inventory END,
    NULL
FROM counted AS c
CROSS JOIN (SELECT 'global_zero' AS name UNION ALL SELECT 'cash' UNION ALL SELECT 'holdings' UNION ALL SELECT 'inventory') AS n
UNION ALL
SELECT
    'house_balances', (SELECT count(*) FROM house_balances), (SELECT count(*) FROM folded),
    concat_ws(' ', 'folded through', coalesce((SELECT max(business_date) FROM house_balances)::text, 'no date yet'))
UNION ALL
SELECT
    'settlement', trades, (SELECT count(*) FROM unsettled),
    concat_ws(' ', 'settled through', coalesce((SELECT max(settles_on) FROM settlement_days)::text, 'no date yet'))
FROM traded
UNION ALL
SELECT
    'orphans',
    entries + (SELECT count(*) FROM audit_log) + (SELECT count(*) FROM stock_prices) + (SELECT count(*) FROM technical_indicators),
    (SELECT count(*) FROM unknown),
    NULL
FROM judged
UNION ALL
-- Where anything was done to an issue, its own statement says whether that is right.
SELECT 'corporate_actions', (SELECT count(*) FROM stocks) + acted, acted + (SELECT actions FROM others), NULL
FROM (SELECT (SELECT count(*) FROM corporate_actions) + (SELECT count(*) FROM corporate_action_lines) AS acted) AS n
