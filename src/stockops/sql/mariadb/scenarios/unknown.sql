-- Which of the things that a question names are not there. NULL names none.
-- Needs: SELECT on market_sessions, users, accounts, orders.
SELECT 'market' AS parameter FROM DUAL
WHERE %(market)s IS NOT NULL AND NOT EXISTS (SELECT 1 FROM market_sessions AS s WHERE s.market = %(market)s)
UNION ALL
SELECT 'user' FROM DUAL
WHERE %(user_id)s IS NOT NULL AND NOT EXISTS (SELECT 1 FROM users AS u WHERE u.user_id = %(user_id)s)
UNION ALL
SELECT 'account' FROM DUAL
WHERE %(account_id)s IS NOT NULL AND NOT EXISTS (SELECT 1 FROM accounts AS a WHERE a.account_id = %(account_id)s)
UNION ALL
SELECT 'order' FROM DUAL
WHERE %(order_id)s IS NOT NULL AND NOT EXISTS (SELECT 1 FROM orders AS o WHERE o.order_id = %(order_id)s)
ORDER BY parameter
