-- Cash of users by the journal: before a date, what changed it until another, and after. What trades brought is after commission
-- and tax, which their journals book to the house.
-- Needs: SELECT on journal_entries, accounts.
SELECT
    a.user_id AS user_id,
    (sum(CASE WHEN j.business_date < %(first_date)s::date THEN j.amount ELSE 0 END))::bigint AS before_won,
    (sum(CASE WHEN j.business_date >= %(first_date)s::date AND j.kind = 'trade' THEN j.amount ELSE 0 END))::bigint AS traded_won,
    (sum(CASE WHEN j.business_date >= %(first_date)s::date AND j.kind <> 'trade' THEN j.amount ELSE 0 END))::bigint AS other_won,
    (sum(j.amount))::bigint AS after_won
FROM journal_entries AS j
JOIN accounts AS a ON a.account_id = j.account_id
WHERE (%(user_id)s::bigint IS NULL OR a.user_id = %(user_id)s::bigint) AND a.kind = 'customer' AND j.asset = 'KRW' AND j.business_date <= %(through_date)s::date
GROUP BY a.user_id
ORDER BY a.user_id
