-- What was settled since the proof holds all trades of its dates and no others, no new trade is left out of a date that was settled before, and no business day is left out.
-- A trade is due on the first settled date from its own settlement date on. Dates that were settled in the proof held there:
-- these are judged again only where they were settled in the day before it, for two clocks need not agree. Settled and
-- unsettled cash are the entries of an account, but for what was settled since and should not have been, or the other way round.
WITH RECURSIVE days AS MATERIALIZED (
    SELECT
        d.settles_on, d.trades, d.value_won, d.fees_won, d.taxes_won,
        lead(d.settles_on) OVER (ORDER BY d.settles_on) AS next_on,
        CASE WHEN d.settled_at <= p.proven_at - INTERVAL '1 day' THEN 0 ELSE 1 END AS is_recent
    FROM settlement_days AS d
    JOIN books_proofs AS p ON p.proof_id = %(proof_id)s
),
looked_at AS MATERIALIZED (
    SELECT
        t.trade_id, t.settles_on, t.price_won * t.quantity AS value_won, t.buy_fee_won + t.sell_fee_won AS fees_won, t.sell_tax_won AS taxes_won
    FROM trades AS t
    WHERE t.trade_id >= least(%(unsettled_from)s, %(event_id)s + 1)
),
due_on AS MATERIALIZED (
    SELECT n.settles_on, (SELECT min(d.settles_on) FROM days AS d WHERE d.settles_on >= n.settles_on) AS day_on
    FROM (SELECT DISTINCT t.settles_on FROM looked_at AS t) AS n
),
settled AS MATERIALIZED (
    SELECT t.trade_id, t.value_won, t.fees_won, t.taxes_won, d.day_on, r.is_recent
    FROM due_on AS d
    JOIN days AS r ON r.settles_on = d.day_on
    JOIN looked_at AS t ON t.settles_on = d.settles_on
),
dealt AS (
    SELECT day_on, count(*) AS trades, sum(value_won) AS value_won, sum(fees_won) AS fees_won, sum(taxes_won) AS taxes_won
    FROM settled
    GROUP BY day_on
),
sides AS (
    SELECT s.settles_on, s.account_id, s.amount_won, s.entries, 0 AS due_won, 0 AS due_entries
    FROM settlements AS s
    WHERE s.settles_on > (SELECT coalesce(max(d.settles_on), DATE '1000-01-01') FROM days AS d WHERE d.is_recent = 0)
    UNION ALL
    SELECT t.day_on, j.account_id, 0, 0, j.amount, 1
    FROM settled AS t
    JOIN journal_entries AS j ON j.journal_id = t.trade_id
    WHERE t.is_recent = 1 AND j.asset = 'KRW' AND j.journal_id >= %(unsettled_from)s
),
cash AS (
    SELECT account_id, sum(won) AS won
    FROM (
        SELECT c.account_id, c.amount AS won FROM carried_cash AS c
        UNION ALL
        SELECT s.account_id, s.amount_won - s.due_won FROM sides AS s
    ) AS parts
    GROUP BY account_id
),
steps (n) AS (
    SELECT 1
    UNION ALL
    SELECT n + 1 FROM steps WHERE n < 30
),
wrong AS (
    SELECT
        concat_ws(' ', 'account', account_id, 'on', settles_on) AS entity,
        concat_ws(' ', sum(due_won), 'won of', sum(due_entries), 'entries') AS expected,
        concat_ws(' ', sum(amount_won), 'won of', sum(entries), 'entries') AS found
    FROM sides
    GROUP BY settles_on, account_id
    HAVING sum(amount_won) <> sum(due_won) OR sum(entries) <> sum(due_entries)
    UNION ALL
    SELECT
        concat_ws(' ', 'date', d.settles_on),
        concat_ws(' ', coalesce(t.trades, 0), 'trades of', coalesce(t.value_won, 0), 'fees', coalesce(t.fees_won, 0), 'taxes', coalesce(t.taxes_won, 0)),
        concat_ws(' ', d.trades, 'trades of', d.value_won, 'fees', d.fees_won, 'taxes', d.taxes_won)
    FROM days AS d
    LEFT JOIN dealt AS t ON t.day_on = d.settles_on
    WHERE
        d.is_recent = 1 AND (
            d.trades <> coalesce(t.trades, 0) OR d.value_won <> coalesce(t.value_won, 0)
            OR d.fees_won <> coalesce(t.fees_won, 0) OR d.taxes_won <> coalesce(t.taxes_won, 0)
        )
    UNION ALL
    SELECT concat_ws(' ', 'trade', n.trade_id), 'a date that was not settled before it', concat_ws(' ', 'it is due on', n.day_on)
    FROM settled AS n
    WHERE n.is_recent = 0 AND n.trade_id > %(event_id)s AND n.trade_id NOT IN (SELECT s.event_id FROM seen AS s)
    UNION ALL
    SELECT
        concat_ws(' ', 'date', settles_on), 'settlements that add up to 0', concat_ws(' ', 'sum', sum(amount_won))
    FROM sides
    GROUP BY settles_on
    HAVING sum(amount_won) <> 0
    UNION ALL
    SELECT concat_ws(' ', 'account', a.account_id), concat_ws(' ', a.cash_won, 'won'), concat_ws(' ', coalesce(c.won, 0), 'settled and unsettled')
    FROM accounts AS a
    LEFT JOIN cash AS c ON c.account_id = a.account_id
    WHERE a.kind = 'customer' AND a.cash_won <> coalesce(c.won, 0)
    UNION ALL
    SELECT DISTINCT concat_ws(' ', 'date', d.settles_on + s.n), 'a business day before the last settled date is settled', 'it is left out'
    FROM days AS d
    JOIN steps AS s ON d.settles_on + s.n < d.next_on
    CROSS JOIN (SELECT DISTINCT market FROM stocks) AS m
    LEFT JOIN market_holidays AS h ON h.market = m.market AND h.holiday = d.settles_on + s.n
    WHERE h.holiday IS NULL AND extract(isodow FROM d.settles_on + s.n) < 6
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
    SELECT (SELECT count(*) FROM looked_at) + (SELECT count(*) FROM days AS d WHERE d.is_recent = 1) AS looked_at,
        concat_ws(' ', 'settled through', coalesce((SELECT max(settles_on) FROM settlement_days)::text, 'no date yet')) AS note
)
SELECT l.looked_at, coalesce(s.violations, 0) AS violations, s.entity, s.expected, s.found, l.note
FROM looked AS l
LEFT JOIN shown AS s ON 1 = 1
ORDER BY s.place_no
