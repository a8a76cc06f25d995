-- The sums of the proof for positions that moved, each as one entry, and the new entries.
SELECT s.account_id, s.asset, s.amount
FROM moved_positions AS m
JOIN books_proof_sums AS s
    ON s.proof_id = %(proof_id)s AND s.account_id = m.account_id AND s.asset = m.symbol AND s.business_date = DATE '1000-01-01'
UNION ALL
SELECT n.account_id, n.asset, n.amount
FROM new_journal_entries AS n
