-- A split holds for the prices before earlier splits, too.
UPDATE price_factors SET new_shares = new_shares * %(new)s, old_shares = old_shares * %(old)s
WHERE symbol = %(symbol)s
