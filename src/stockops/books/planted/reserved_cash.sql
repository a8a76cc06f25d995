-- A won is reserved for no order.
UPDATE accounts SET reserved_won = reserved_won + 1
WHERE account_id = (SELECT max(account_id) FROM accounts)
