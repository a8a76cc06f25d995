-- A position cost a won more than was paid for it.
UPDATE positions SET cost_won = cost_won + 1
WHERE (account_id, symbol) = (SELECT account_id, symbol FROM positions WHERE quantity > 0 ORDER BY account_id, symbol LIMIT 1)
