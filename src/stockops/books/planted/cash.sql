-- A customer has a won more than the entries say.
UPDATE accounts SET cash_won = cash_won + 1
WHERE account_id = (SELECT max(account_id) FROM accounts)
