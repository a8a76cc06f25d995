-- Cash: the sums of the proof, each as one entry, and the new entries.
SELECT s.account_id, s.asset, s.amount
FROM books_proof_sums AS s
WHERE s.proof_id = %(proof_id)s AND s.asset = 'KRW'
UNION ALL
SELECT n.account_id, n.asset, n.amount
FROM new_journal_entries AS n
WHERE n.asset = 'KRW'
