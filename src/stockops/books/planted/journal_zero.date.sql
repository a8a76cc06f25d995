-- One leg of the newest journal is of another date.
UPDATE journal_entries SET business_date = DATE '2000-01-03'
WHERE leg = 1 AND journal_id = (SELECT max(journal_id) FROM journal_entries)
