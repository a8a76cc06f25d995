-- Commission and tax of all customers between two business dates, by the journal. Needs: SELECT on journal_entries.
SELECT
    (coalesce(sum(CASE WHEN j.kind = 'fee' THEN j.amount END), 0))::bigint AS fees_won,
    (coalesce(sum(CASE WHEN j.kind = 'tax' THEN j.amount END), 0))::bigint AS tax_won
FROM journal_entries AS j
WHERE j.kind IN ('fee', 'tax') AND j.business_date >= %(first_date)s::date AND j.business_date <= %(through_date)s::date
