-- The cash of an account, as the program computed it from what it had read.
UPDATE accounts SET cash_won = %(cash_won)s WHERE account_id = %(account_id)s
