-- An entry names an account that is not there.
UPDATE journal_entries SET account_id = -1
WHERE leg = 1 AND journal_id = (SELECT max(journal_id) FROM journal_entries)
