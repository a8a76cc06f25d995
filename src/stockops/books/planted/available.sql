-- More cash is reserved than is there.
UPDATE accounts SET reserved_won = cash_won + 1
WHERE account_id = (SELECT max(account_id) FROM accounts)
