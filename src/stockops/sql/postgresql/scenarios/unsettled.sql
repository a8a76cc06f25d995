-- Which cash is traded and not settled yet, by account and settlement date: what is to be paid, and what is to come.
-- Needs: SELECT on trades, orders, accounts.
SELECT
    a.account_id AS account_id,
    a.user_id AS user_id,
    t.settles_on AS settles_on,
    count(*) AS trades,
    (sum(CASE WHEN o.side = 'buy' THEN t.value_won + t.buy_fee_won ELSE 0 END))::bigint AS to_pay_won,
    (sum(CASE WHEN o.side = 'sell' THEN t.value_won - t.sell_fee_won - t.sell_tax_won ELSE 0 END))::bigint AS to_come_won,
    (sum(CASE WHEN o.side = 'buy' THEN -t.value_won - t.buy_fee_won ELSE t.value_won - t.sell_fee_won - t.sell_tax_won END))::bigint AS net_won
FROM (
    SELECT b.trade_id, b.buy_order_id AS order_id, b.settles_on, b.value_won, b.buy_fee_won, b.sell_fee_won, b.sell_tax_won
    FROM trades AS b
    WHERE b.settles_on > %(on)s::date AND b.business_date <= %(on)s::date AND b.buy_order_id IS NOT NULL
    UNION ALL
    SELECT s.trade_id, s.sell_order_id, s.settles_on, s.value_won, s.buy_fee_won, s.sell_fee_won, s.sell_tax_won
    FROM trades AS s
    WHERE s.settles_on > %(on)s::date AND s.business_date <= %(on)s::date AND s.sell_order_id IS NOT NULL
) AS t
JOIN orders AS o ON o.order_id = t.order_id
JOIN accounts AS a ON a.account_id = o.account_id
WHERE (%(account_id)s::bigint IS NULL OR a.account_id = %(account_id)s::bigint) AND (%(user_id)s::bigint IS NULL OR a.user_id = %(user_id)s::bigint)
GROUP BY a.account_id, a.user_id, t.settles_on
ORDER BY t.settles_on, a.account_id
LIMIT %(row_limit)s::bigint
