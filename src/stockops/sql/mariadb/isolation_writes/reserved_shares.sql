-- The reserved shares of a position, as the program computed them from what it had read.
UPDATE positions SET reserved_quantity = %(reserved_quantity)s WHERE account_id = %(account_id)s AND symbol = %(symbol)s
