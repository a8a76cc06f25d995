-- Cash: the sums of the proof, and what the new entries of an account come to, each as one entry.
SELECT s.account_id, s.asset, s.amount
FROM accounts AS a
STRAIGHT_JOIN books_proof_sums AS s ON s.proof_id = %(proof_id)s AND s.account_id = a.account_id AND s.asset = 'KRW'
UNION ALL
SELECT n.account_id, n.asset, sum(n.amount)
FROM new_journal_entries AS n
WHERE n.asset = 'KRW'
GROUP BY n.account_id, n.asset
