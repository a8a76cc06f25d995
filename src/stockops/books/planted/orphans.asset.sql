-- An entry names an issue that is not there.
UPDATE journal_entries SET asset = '9ZZZZZ'
WHERE leg = 3 AND journal_id = (SELECT max(trade_id) FROM trades)
