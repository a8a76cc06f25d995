-- What shares each active customer's account had before the first trade of a date, with its user.
-- Not what it has now: a day that is gone on with draws the same orders again.
-- An account with an active portfolio is left to its rebalancing: who sold by it could not deliver, and who bought could not pay.
-- Needs: SELECT on accounts, journal_entries, portfolios.
SELECT j.asset AS symbol, a.account_id, a.user_id, sum(j.amount)::bigint AS amount
FROM accounts AS a
JOIN journal_entries AS j ON j.account_id = a.account_id AND j.asset <> 'KRW'
WHERE
    a.kind = 'customer' AND a.status = 'active' AND (j.business_date < %(on)s::date OR j.kind IN ('open', 'deposit'))
    AND NOT EXISTS (SELECT 1 FROM portfolios AS f WHERE f.account_id = a.account_id AND f.status = 'active')
GROUP BY j.asset, a.account_id, a.user_id
HAVING sum(j.amount) > 0
ORDER BY j.asset, a.account_id
