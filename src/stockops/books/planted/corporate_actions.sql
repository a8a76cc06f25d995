-- Shares of an issue come to life by a journal of an action that nobody took.
INSERT INTO journal_entries (journal_id, leg, business_date, account_id, asset, amount, kind)
SELECT (SELECT max(j.journal_id) + 1 FROM journal_entries AS j), 1, i.quote_date, 1, i.symbol, 1, 'action'
FROM stock_inventory AS i
WHERE i.symbol = (SELECT min(k.symbol) FROM stocks AS k)
