-- A share is listed that nobody holds.
UPDATE stocks SET listed_shares = listed_shares + 1
WHERE symbol = (SELECT min(symbol) FROM stocks)
