-- What the house holds of an issue, as the program computed it from what it had read.
UPDATE stock_inventory SET available_shares = %(available_shares)s WHERE symbol = %(symbol)s
