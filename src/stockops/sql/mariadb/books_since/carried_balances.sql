-- What the proof had found of the dates that were folded since, and of its last folded one.
SELECT s.account_id, s.asset, s.business_date, 0 AS amount, 0 AS entries, s.amount AS due, s.entries AS due_entries
FROM books_proof_sums AS s
WHERE
    s.proof_id = %(proof_id)s AND s.business_date >= %(folded_through)s
    AND s.business_date <= (SELECT max(r.business_date) FROM recent_balances AS r)
