-- Adds up the KRW entries of the trades that settle on a date, account by account.
INSERT INTO settlements (settles_on, account_id, amount_won, entries)
SELECT %(day)s, j.account_id, sum(j.amount), count(*)
FROM trades AS t
JOIN journal_entries AS j ON j.journal_id = t.trade_id AND j.business_date = t.business_date AND j.asset = 'KRW'
WHERE t.trade_id >= %(from_id)s AND t.settles_on > %(after)s AND t.settles_on <= %(day)s
GROUP BY j.account_id
