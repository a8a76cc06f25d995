-- Adds up the entries of the house for each account, asset and business date that is closed and not folded yet.
INSERT INTO house_balances (account_id, asset, business_date, amount, entries)
SELECT j.account_id, j.asset, j.business_date, sum(j.amount), count(*)
FROM journal_entries AS j
JOIN accounts AS a ON a.account_id = j.account_id AND a.kind <> 'customer'
WHERE
    j.business_date <= %(through)s
    AND j.business_date > coalesce((SELECT max(h.business_date) FROM house_balances AS h), DATE '0001-01-01')
GROUP BY j.account_id, j.asset, j.business_date
