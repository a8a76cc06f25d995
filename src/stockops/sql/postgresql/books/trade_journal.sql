-- Every trade has its journal, leg by leg, to the won and the share; every journal of a trade has its trade.
WITH posted AS (
    SELECT
        t.trade_id, max(t.price_won * t.quantity) AS value_won, max(t.quantity) AS quantity,
        max(t.buy_fee_won) AS buy_fee_won, max(t.sell_fee_won) AS sell_fee_won, max(t.sell_tax_won) AS sell_tax_won,
        count(j.journal_id) AS legs,
        max(4 + CASE WHEN t.buy_fee_won + t.sell_fee_won > 0 THEN 1 ELSE 0 END + CASE WHEN t.sell_tax_won > 0 THEN 1 ELSE 0 END) AS legs_due,
        sum(CASE WHEN j.kind = 'trade' AND j.asset = 'KRW' AND j.account_id = coalesce(b.account_id, 1) THEN j.amount ELSE 0 END) AS buyer_won,
        sum(CASE WHEN j.kind = 'trade' AND j.asset = 'KRW' AND j.account_id = coalesce(s.account_id, 1) THEN j.amount ELSE 0 END) AS seller_won,
        sum(CASE WHEN j.kind = 'trade' AND j.asset = t.symbol AND j.account_id = coalesce(b.account_id, 1) THEN j.amount ELSE 0 END) AS buyer_shares,
        sum(CASE WHEN j.kind = 'trade' AND j.asset = t.symbol AND j.account_id = coalesce(s.account_id, 1) THEN j.amount ELSE 0 END) AS seller_shares,
        sum(CASE WHEN j.kind = 'fee' AND j.asset = 'KRW' AND j.account_id = 2 THEN j.amount ELSE 0 END) AS fee_won,
        sum(CASE WHEN j.kind = 'tax' AND j.asset = 'KRW' AND j.account_id = 3 THEN j.amount ELSE 0 END) AS tax_won
    FROM trades AS t
    LEFT JOIN orders AS b ON b.order_id = t.buy_order_id
    LEFT JOIN orders AS s ON s.order_id = t.sell_order_id
    LEFT JOIN journal_entries AS j ON j.journal_id = t.trade_id AND j.business_date = t.business_date
    GROUP BY t.trade_id
),
wrong AS (
    SELECT
        trade_id AS journal_id,
        concat_ws(' ', legs_due, 'legs: buyer', -value_won - buy_fee_won, 'won', quantity, 'shares, seller', value_won - sell_fee_won - sell_tax_won,
            'won', -quantity, 'shares, fees', buy_fee_won + sell_fee_won, 'tax', sell_tax_won) AS due,
        concat_ws(' ', legs, 'legs: buyer', buyer_won, 'won', buyer_shares, 'shares, seller', seller_won,
            'won', seller_shares, 'shares, fees', fee_won, 'tax', tax_won) AS posted
    FROM posted
    WHERE
        legs <> legs_due
        OR buyer_won <> -value_won - buy_fee_won OR buyer_shares <> quantity
        OR seller_won <> value_won - sell_fee_won - sell_tax_won OR seller_shares <> -quantity
        OR fee_won <> buy_fee_won + sell_fee_won OR tax_won <> sell_tax_won
    UNION ALL
    SELECT j.journal_id, 'a trade', concat_ws(' ', count(*), 'legs and no trade')
    FROM journal_entries AS j
    LEFT JOIN trades AS t ON t.trade_id = j.journal_id
    WHERE t.trade_id IS NULL AND j.kind IN ('trade', 'fee', 'tax')
    GROUP BY j.journal_id
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY journal_id) AS place_no,
        count(*) OVER () AS violations,
        concat_ws(' ', 'journal', journal_id) AS entity,
        due AS expected,
        posted AS found
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
