-- Which of the things that a question names are not there. NULL names none.
-- Needs: SELECT on market_sessions, users, accounts, orders.
SELECT 'market' AS parameter
WHERE %(market)s::text IS NOT NULL AND NOT EXISTS (SELECT 1 FROM market_sessions AS s WHERE s.market = %(market)s::text)
UNION ALL
SELECT 'user'
WHERE %(user_id)s::bigint IS NOT NULL AND NOT EXISTS (SELECT 1 FROM users AS u WHERE u.user_id = %(user_id)s::bigint)
UNION ALL
SELECT 'account'
WHERE %(account_id)s::bigint IS NOT NULL AND NOT EXISTS (SELECT 1 FROM accounts AS a WHERE a.account_id = %(account_id)s::bigint)
UNION ALL
SELECT 'order'
WHERE %(order_id)s::bigint IS NOT NULL AND NOT EXISTS (SELECT 1 FROM orders AS o WHERE o.order_id = %(order_id)s::bigint)
ORDER BY parameter
