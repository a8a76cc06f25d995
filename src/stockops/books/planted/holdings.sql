-- A position is gone whose entries are there.
DELETE FROM positions
WHERE (account_id, symbol) = (SELECT account_id, symbol FROM positions WHERE quantity > 0 ORDER BY account_id, symbol LIMIT 1)
