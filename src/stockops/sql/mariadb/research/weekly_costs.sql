-- Commission and tax of all customers between two business dates, by the journal. Needs: SELECT on journal_entries.
SELECT
    CAST(coalesce(sum(CASE WHEN j.kind = 'fee' THEN j.amount END), 0) AS SIGNED) AS fees_won,
    CAST(coalesce(sum(CASE WHEN j.kind = 'tax' THEN j.amount END), 0) AS SIGNED) AS tax_won
FROM journal_entries AS j
WHERE j.kind IN ('fee', 'tax') AND j.business_date >= %(first_date)s AND j.business_date <= %(through_date)s
