-- Which accounts can place orders, and how much cash is free on each; the first 20,000.
-- Needs: SELECT on accounts.
SELECT
    a.account_id AS account_id,
    a.cash_won - a.reserved_won AS available_won
FROM accounts AS a
WHERE a.kind = 'customer' AND a.status = 'active'
ORDER BY a.account_id
LIMIT 20000
