-- One leg of the newest journal is a won or a share more.
UPDATE journal_entries SET amount = amount + 1
WHERE leg = 1 AND journal_id = (SELECT max(journal_id) FROM journal_entries)
