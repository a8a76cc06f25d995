-- The reserved cash of an account, as the program computed it from what it had read.
UPDATE accounts SET reserved_won = %(reserved_won)s WHERE account_id = %(account_id)s
