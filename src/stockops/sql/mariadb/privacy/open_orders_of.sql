-- The open orders of a user, the oldest first. Needs: SELECT on orders, accounts.
SELECT o.order_id AS order_id
FROM orders AS o
JOIN accounts AS a ON a.account_id = o.account_id
WHERE a.user_id = %(user_id)s AND o.status = 'open'
ORDER BY o.order_id
LIMIT 10
