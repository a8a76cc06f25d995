-- Gives an issue its status and number of shares.
UPDATE stocks SET status = %(status)s, listed_shares = %(shares)s
WHERE symbol = %(symbol)s
