-- Locks an account as an order does.
SELECT a.account_id
FROM accounts AS a
WHERE a.account_id = %(account_id)s
FOR NO KEY UPDATE
