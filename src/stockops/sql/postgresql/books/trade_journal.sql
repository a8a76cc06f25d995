-- Every trade has its journal, leg by leg, to the won and the share; every journal of a trade has its trade.
-- Each leg has a bit of its own, which counts where account, asset and amount are right. As many legs as there are bits
-- due, adding up to these bits: then each is there, and there once. Entries and trades come in the order of their numbers, so
-- that no table of all journals is kept. Only where fewer first legs were met than there are trades is it asked whose is missing.
WITH dealt AS MATERIALIZED (
    SELECT
        t.trade_id, t.business_date, t.symbol, coalesce(b.account_id, 1) AS buyer_id, coalesce(s.account_id, 1) AS seller_id, t.quantity::bigint AS quantity,
        -t.price_won * t.quantity - t.buy_fee_won AS paid_won, t.price_won * t.quantity - t.sell_fee_won - t.sell_tax_won AS got_won,
        t.buy_fee_won + t.sell_fee_won AS fees_won, t.sell_tax_won::bigint AS tax_won
    FROM trades AS t
    LEFT JOIN orders AS b ON b.order_id = t.buy_order_id
    LEFT JOIN orders AS s ON s.order_id = t.sell_order_id
),
legs AS (
    SELECT
        j.journal_id, t.trade_id,
        CASE WHEN t.fees_won > 0 THEN 16 ELSE 0 END + CASE WHEN t.tax_won > 0 THEN 32 ELSE 0 END AS extra_due,
        CASE WHEN j.leg = 1 AND j.business_date = t.business_date THEN 1 ELSE 0 END AS is_first,
        CASE
            WHEN j.business_date <> t.business_date THEN 0
            WHEN j.account_id = t.buyer_id AND j.amount = t.paid_won AND j.asset = 'KRW' AND j.kind = 'trade' THEN 1
            WHEN j.account_id = t.seller_id AND j.amount = t.got_won AND j.asset = 'KRW' AND j.kind = 'trade' THEN 2
            WHEN j.account_id = t.buyer_id AND j.amount = t.quantity AND j.asset = t.symbol AND j.kind = 'trade' THEN 4
            WHEN j.account_id = t.seller_id AND j.amount = -t.quantity AND j.asset = t.symbol AND j.kind = 'trade' THEN 8
            WHEN j.account_id = 2 AND j.amount = t.fees_won AND j.asset = 'KRW' AND j.kind = 'fee' THEN 16
            WHEN j.account_id = 3 AND j.amount = t.tax_won AND j.asset = 'KRW' AND j.kind = 'tax' THEN 32
            ELSE 0
        END AS bits
    FROM (SELECT * FROM journal_entries ORDER BY journal_id) AS j
    LEFT JOIN (SELECT * FROM dealt ORDER BY trade_id) AS t ON t.trade_id = j.journal_id
    WHERE t.trade_id IS NOT NULL OR j.kind IN ('trade', 'fee', 'tax')
),
journals AS (
    SELECT journal_id, max(trade_id) AS trade_id, count(*) AS legs, max(extra_due) AS extra_due, sum(bits) AS bits, max(is_first) AS is_first
    FROM legs
    GROUP BY journal_id
),
judged AS (
    SELECT
        journal_id, trade_id, legs, extra_due, bits, is_first,
        CASE WHEN trade_id IS NULL OR bits <> 15 + extra_due OR legs <> CASE extra_due WHEN 0 THEN 4 WHEN 48 THEN 6 ELSE 5 END THEN journal_id END AS wrong_id
    FROM journals
),
-- One row for all that are right, and one for each that is wrong.
told AS MATERIALIZED (
    SELECT
        wrong_id, max(trade_id) AS trade_id, max(legs) AS legs, max(extra_due) AS extra_due, max(bits) AS bits, sum(is_first) AS firsts
    FROM judged
    GROUP BY wrong_id
),
wrong AS (
    SELECT wrong_id AS journal_id, trade_id, legs, 15 + extra_due AS bits_due, bits
    FROM told
    WHERE wrong_id IS NOT NULL
    UNION ALL
    SELECT t.trade_id, t.trade_id, 0, 15, 0
    FROM trades AS t
    LEFT JOIN journal_entries AS j ON j.journal_id = t.trade_id AND j.leg = 1 AND j.business_date = t.business_date
    WHERE j.journal_id IS NULL AND (SELECT count(*) FROM trades) <> (SELECT coalesce(sum(firsts), 0) FROM told)
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY journal_id, legs) AS place_no,
        count(*) OVER () AS violations,
        concat_ws(' ', 'journal', journal_id) AS entity,
        CASE WHEN trade_id IS NULL THEN 'a trade' ELSE concat_ws(' ', 'legs', bits_due, 'as the sides, fees and tax of the trade are') END AS expected,
        CASE WHEN trade_id IS NULL THEN concat_ws(' ', legs, 'legs and no trade') ELSE concat_ws(' ', 'legs', bits, 'right, of', legs, 'there') END AS found
    FROM wrong
    ORDER BY place_no
    LIMIT 20
),
looked AS (
    SELECT (SELECT count(*) FROM trades) AS looked_at
)
SELECT l.looked_at, coalesce(s.violations, 0) AS violations, s.entity, s.expected, s.found
FROM looked AS l
LEFT JOIN shown AS s ON 1 = 1
ORDER BY s.place_no
