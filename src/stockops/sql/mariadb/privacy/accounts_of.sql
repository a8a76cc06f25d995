-- The accounts of a user.
-- Needs: SELECT on accounts.
SELECT
    account_id
FROM accounts
WHERE user_id = %(user_id)s
ORDER BY account_id
