-- Locks an issue as an order does, if it is still before the date.
SELECT i.symbol FROM stock_inventory AS i
WHERE i.symbol = %(symbol)s AND i.quote_date < %(next_date)s
FOR UPDATE
