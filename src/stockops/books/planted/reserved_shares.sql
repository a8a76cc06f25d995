-- A share is reserved for no order.
UPDATE positions SET reserved_quantity = reserved_quantity + 1
WHERE (account_id, symbol) = (SELECT account_id, symbol FROM positions ORDER BY account_id, symbol LIMIT 1)
