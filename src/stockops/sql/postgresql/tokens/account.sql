-- What kind of account this is: a customer's, or which one of the house.
-- Needs: SELECT on accounts.
SELECT kind
FROM accounts
WHERE account_id = %(account_id)s
ORDER BY account_id
