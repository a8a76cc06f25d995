-- Gives an issue another name, if it still has the one that was looked at.
UPDATE stocks SET name = %(name)s
WHERE symbol = %(symbol)s AND name = %(before)s AND status <> 'delisted'
