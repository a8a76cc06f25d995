-- One leg of the newest journal is gone.
DELETE FROM journal_entries
WHERE leg = 1 AND journal_id = (SELECT max(journal_id) FROM journal_entries)
