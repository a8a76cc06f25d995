-- An account of the house carries cash in its row.
UPDATE accounts SET cash_won = 1
WHERE account_id = 1
