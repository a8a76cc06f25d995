-- Where a user stands: what is open, what is not settled on a day, what is left, whether nothing personal is.
-- Needs: SELECT on users, accounts, orders, trades and positions.
SELECT
    u.email = %(tombstone)s AS erased,
    (
        SELECT count(*)
        FROM orders AS o
        JOIN accounts AS a ON a.account_id = o.account_id
        WHERE a.user_id = u.user_id AND o.status = 'open'
    ) AS open_orders,
    (
        SELECT count(*)
        FROM trades AS t
        JOIN orders AS o ON o.order_id = t.buy_order_id
        JOIN accounts AS a ON a.account_id = o.account_id
        WHERE a.user_id = u.user_id AND t.settles_on >= %(on)s
    ) AS unsettled_buys,
    (
        SELECT count(*)
        FROM trades AS t
        JOIN orders AS o ON o.order_id = t.sell_order_id
        JOIN accounts AS a ON a.account_id = o.account_id
        WHERE a.user_id = u.user_id AND t.settles_on >= %(on)s
    ) AS unsettled_sales,
    CAST((
        SELECT coalesce(sum(a.cash_won), 0)
        FROM accounts AS a
        WHERE a.user_id = u.user_id
    ) AS decimal(30, 0)) AS cash_won,
    (
        SELECT count(*)
        FROM positions AS p
        JOIN accounts AS a ON a.account_id = p.account_id
        WHERE a.user_id = u.user_id AND p.quantity > 0
    ) AS positions
FROM users AS u
WHERE u.user_id = %(user_id)s
ORDER BY u.user_id
