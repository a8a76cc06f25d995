-- What an account has settled and what its trades have still to settle add up to its cash; a settled date holds all its trades and no others, and no business day is left out.
-- A trade is due on the first settled date from its own settlement date on: the day itself, or where the calendar was
-- changed later, the next one. Settled is what was entered outside of trades, and the settlements.
-- Before the first trade nothing settles: that all cash was entered says the invariant cash.
WITH RECURSIVE begun AS (
    SELECT EXISTS (SELECT 1 FROM trades) OR EXISTS (SELECT 1 FROM settlement_days) OR EXISTS (SELECT 1 FROM settlements) AS is_so
),
days AS (
    SELECT
        settles_on, trades, value_won, fees_won, taxes_won,
        lead(settles_on) OVER (ORDER BY settles_on) AS next_on
    FROM settlement_days
),
due_on AS (
    SELECT n.settles_on, (SELECT min(d.settles_on) FROM days AS d WHERE d.settles_on >= n.settles_on) AS day_on
    FROM (SELECT DISTINCT t.settles_on FROM trades AS t) AS n
),
dealt AS (
    SELECT
        d.day_on, count(*) AS trades, sum(t.price_won * t.quantity) AS value_won,
        sum(t.buy_fee_won + t.sell_fee_won) AS fees_won, sum(t.sell_tax_won) AS taxes_won
    FROM trades AS t
    JOIN due_on AS d ON d.settles_on = t.settles_on
    WHERE d.day_on IS NOT NULL
    GROUP BY d.day_on
),
-- All KRW entries, by account and the date on which they settle; NULL for what is not settled yet, and what was entered outside
-- of trades.
entered AS (
    SELECT g.account_id, g.settles_on IS NOT NULL AS is_trade, d.day_on, sum(g.amount_won) AS amount_won, sum(g.entries) AS entries
    FROM (
        SELECT j.account_id, t.settles_on, sum(j.amount) AS amount_won, count(*) AS entries
        FROM journal_entries AS j IGNORE INDEX (journal_entries_account_ix)
        LEFT JOIN trades AS t ON t.trade_id = j.journal_id
        WHERE j.asset = 'KRW' AND (SELECT b.is_so FROM begun AS b)
        GROUP BY j.account_id, t.settles_on
    ) AS g
    LEFT JOIN due_on AS d ON d.settles_on = g.settles_on
    GROUP BY g.account_id, g.settles_on IS NOT NULL, d.day_on
),
-- Two sums in one pass over the entries: of an account on each date, and, without a date, of its cash.
sides AS (
    SELECT settles_on, account_id, amount_won AS won, entries, 0 AS due_won, 0 AS due_entries, 0 AS unsettled_won
    FROM settlements
    UNION ALL
    SELECT NULL, account_id, cash_won, 0, 0, 0, 0 FROM accounts WHERE kind = 'customer' AND (SELECT b.is_so FROM begun AS b)
    UNION ALL
    SELECT NULL, account_id, 0, 0, amount_won, 0, 0
    FROM settlements
    WHERE account_id NOT IN (SELECT a.account_id FROM accounts AS a WHERE a.kind <> 'customer')
    UNION ALL
    SELECT
        CASE WHEN w.is_dated THEN e.day_on END, e.account_id, 0, 0, CASE WHEN w.is_dated OR NOT e.is_trade THEN e.amount_won ELSE 0 END,
        CASE WHEN w.is_dated THEN e.entries ELSE 0 END, CASE WHEN NOT w.is_dated AND e.is_trade AND e.day_on IS NULL THEN e.amount_won ELSE 0 END
    FROM entered AS e
    CROSS JOIN (SELECT TRUE AS is_dated UNION ALL SELECT FALSE) AS w
    WHERE
        CASE
            WHEN w.is_dated THEN e.day_on IS NOT NULL
            ELSE e.account_id NOT IN (SELECT a.account_id FROM accounts AS a WHERE a.kind <> 'customer')
        END
),
steps (n) AS (
    SELECT 1
    UNION ALL
    SELECT n + 1 FROM steps WHERE n < 30
),
wrong AS (
    SELECT
        CASE WHEN settles_on IS NULL THEN concat_ws(' ', 'account', account_id) ELSE concat_ws(' ', 'account', account_id, 'on', settles_on) END AS entity,
        CASE WHEN settles_on IS NULL THEN concat_ws(' ', sum(won), 'won') ELSE concat_ws(' ', sum(due_won), 'won of', sum(due_entries), 'entries') END AS expected,
        CASE
            WHEN settles_on IS NULL THEN concat_ws(' ', sum(due_won), 'settled and', sum(unsettled_won), 'unsettled')
            ELSE concat_ws(' ', sum(won), 'won of', sum(entries), 'entries')
        END AS found
    FROM sides
    GROUP BY settles_on, account_id
    HAVING sum(won) <> sum(due_won) + sum(unsettled_won) OR sum(entries) <> sum(due_entries)
    UNION ALL
    SELECT
        concat_ws(' ', 'date', d.settles_on),
        concat_ws(' ', coalesce(t.trades, 0), 'trades of', coalesce(t.value_won, 0), 'fees', coalesce(t.fees_won, 0), 'taxes', coalesce(t.taxes_won, 0)),
        concat_ws(' ', d.trades, 'trades of', d.value_won, 'fees', d.fees_won, 'taxes', d.taxes_won)
    FROM days AS d
    LEFT JOIN dealt AS t ON t.day_on = d.settles_on
    WHERE
        d.trades <> coalesce(t.trades, 0) OR d.value_won <> coalesce(t.value_won, 0)
        OR d.fees_won <> coalesce(t.fees_won, 0) OR d.taxes_won <> coalesce(t.taxes_won, 0)
    UNION ALL
    SELECT
        concat_ws(' ', 'date', settles_on), 'settlements that add up to 0', concat_ws(' ', 'sum', sum(amount_won))
    FROM settlements
    GROUP BY settles_on
    HAVING sum(amount_won) <> 0
    UNION ALL
    SELECT DISTINCT concat_ws(' ', 'date', d.settles_on + INTERVAL s.n DAY), 'a business day before the last settled date is settled', 'it is left out'
    FROM days AS d
    JOIN steps AS s ON d.settles_on + INTERVAL s.n DAY < d.next_on
    CROSS JOIN (SELECT DISTINCT market FROM stocks) AS m
    LEFT JOIN market_holidays AS h ON h.market = m.market AND h.holiday = d.settles_on + INTERVAL s.n DAY
    WHERE h.holiday IS NULL AND weekday(d.settles_on + INTERVAL s.n DAY) < 5
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY entity, expected) AS place_no,
        count(*) OVER () AS violations,
        entity, expected, found
    FROM wrong
    ORDER BY place_no
    LIMIT 20
),
looked AS (
    SELECT (SELECT count(*) FROM trades) AS looked_at,
        concat_ws(' ', 'settled through', coalesce((SELECT max(settles_on) FROM settlement_days), 'no date yet')) AS note
)
SELECT l.looked_at, coalesce(s.violations, 0) AS violations, s.entity, s.expected, s.found, l.note
FROM looked AS l
LEFT JOIN shown AS s ON 1 = 1
ORDER BY s.place_no
