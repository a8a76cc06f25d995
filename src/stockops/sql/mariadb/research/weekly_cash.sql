-- Cash of users by the journal: before a date, what changed it until another, and after. What trades brought is after commission
-- and tax, which their journals book to the house.
-- Needs: SELECT on journal_entries, accounts.
SELECT
    a.user_id AS user_id,
    CAST(sum(CASE WHEN j.business_date < %(first_date)s THEN j.amount ELSE 0 END) AS SIGNED) AS before_won,
    CAST(sum(CASE WHEN j.business_date >= %(first_date)s AND j.kind = 'trade' THEN j.amount ELSE 0 END) AS SIGNED) AS traded_won,
    CAST(sum(CASE WHEN j.business_date >= %(first_date)s AND j.kind <> 'trade' THEN j.amount ELSE 0 END) AS SIGNED) AS other_won,
    CAST(sum(j.amount) AS SIGNED) AS after_won
FROM journal_entries AS j
JOIN accounts AS a ON a.account_id = j.account_id
WHERE (%(user_id)s IS NULL OR a.user_id = %(user_id)s) AND a.kind = 'customer' AND j.asset = 'KRW' AND j.business_date <= %(through_date)s
GROUP BY a.user_id
ORDER BY a.user_id
