-- A leg of a trade's journal went to the bank.
UPDATE journal_entries SET account_id = 4
WHERE leg = 2 AND journal_id = (SELECT max(trade_id) FROM trades)
