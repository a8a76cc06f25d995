-- A price is of an issue that is not there.
UPDATE stock_prices SET symbol = '9ZZZZZ'
WHERE symbol = (SELECT min(symbol) FROM stocks)
