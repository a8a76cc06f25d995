-- What happened to each position until a date, in order: shares that came or went, what was paid for them or had, and costs.
-- An order that takes is one event, however many orders it meets; each fill of an order that rests is one of its own, and each
-- fill in an auction. Opening shares cost the close of their day; NULL where there is none. What an issuer did has
-- what it paid out, and what the shares cost before and after it, as the books have them.
-- Needs: SELECT on trades, orders, accounts, journal_entries, stock_prices, corporate_action_lines.
WITH sides AS (
    SELECT
        t.buy_order_id AS order_id, CASE WHEN t.taker_side = 'buy' AND t.auction_id IS NULL THEN t.buy_order_id ELSE t.trade_id END AS event_id,
        t.business_date, t.symbol, t.quantity, t.value_won, t.buy_fee_won AS fees_won, 0 AS tax_won
    FROM trades AS t
    WHERE t.buy_order_id IS NOT NULL AND t.business_date <= %(through_date)s
    UNION ALL
    SELECT
        t.sell_order_id, CASE WHEN t.taker_side = 'sell' AND t.auction_id IS NULL THEN t.sell_order_id ELSE t.trade_id END,
        t.business_date, t.symbol, -t.quantity, t.value_won, t.sell_fee_won, t.sell_tax_won
    FROM trades AS t
    WHERE t.sell_order_id IS NOT NULL AND t.business_date <= %(through_date)s
),
events AS (
    SELECT
        o.account_id, s.symbol, s.event_id, s.business_date, sum(s.quantity) AS quantity, sum(s.value_won) AS value_won,
        sum(s.fees_won) AS fees_won, sum(s.tax_won) AS tax_won, count(*) AS trades,
        CAST(NULL AS SIGNED) AS cost_before, CAST(NULL AS SIGNED) AS cost_after
    FROM sides AS s
    JOIN orders AS o ON o.order_id = s.order_id
    WHERE %(user_id)s IS NULL OR o.account_id IN (SELECT a.account_id FROM accounts AS a WHERE a.user_id = %(user_id)s)
    GROUP BY o.account_id, s.symbol, s.event_id, s.business_date
    UNION ALL
    SELECT
        j.account_id, j.asset, j.journal_id, j.business_date, j.amount,
        CASE WHEN j.kind = 'action' THEN l.paid_won ELSE j.amount * p.close_won END, 0, 0, 0, l.cost_before, l.cost_after
    FROM journal_entries AS j
    LEFT JOIN corporate_action_lines AS l ON l.journal_id = j.journal_id
    LEFT JOIN stock_prices AS p ON p.symbol = j.asset AND p.price_date = j.business_date
    WHERE
        j.asset <> 'KRW' AND j.kind <> 'trade' AND j.business_date <= %(through_date)s
        AND (%(user_id)s IS NULL OR j.account_id IN (SELECT a.account_id FROM accounts AS a WHERE a.user_id = %(user_id)s))
)
SELECT
    a.user_id AS user_id,
    e.account_id AS account_id,
    e.symbol AS symbol,
    e.business_date AS business_date,
    CAST(e.quantity AS SIGNED) AS quantity,
    CAST(e.value_won AS SIGNED) AS value_won,
    CAST(e.fees_won AS SIGNED) AS fees_won,
    CAST(e.tax_won AS SIGNED) AS tax_won,
    CAST(e.trades AS SIGNED) AS trades,
    e.cost_before AS cost_before,
    e.cost_after AS cost_after
FROM events AS e
JOIN accounts AS a ON a.account_id = e.account_id AND a.kind = 'customer'
ORDER BY e.account_id, e.symbol, e.event_id
