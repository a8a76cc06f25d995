-- A folded balance is a won off, and other days are left out.
INSERT INTO house_balances (account_id, asset, business_date, amount, entries, folded_at)
SELECT account_id, asset, DATE '9999-12-31', amount + 1, 1, TIMESTAMP '2000-01-03 00:00:00'
FROM journal_entries
WHERE account_id = 2 AND journal_id = (SELECT min(journal_id) FROM journal_entries WHERE account_id = 2)
