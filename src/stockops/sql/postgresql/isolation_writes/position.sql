-- A position, as the program computed it from what it had read.
UPDATE positions SET quantity = %(quantity)s, cost_won = %(cost_won)s WHERE account_id = %(account_id)s AND symbol = %(symbol)s
