-- The sums of the proof for accounts of the house, each as one entry, and their new entries.
SELECT s.account_id, s.asset, s.amount
FROM accounts AS a
STRAIGHT_JOIN books_proof_sums AS s ON s.proof_id = %(proof_id)s AND s.account_id = a.account_id
WHERE a.kind <> 'customer'
UNION ALL
SELECT n.account_id, n.asset, n.amount
FROM new_journal_entries AS n
-- A LIMIT makes the few accounts a table of its own, which every entry is held to; without it each asks the accounts.
STRAIGHT_JOIN (SELECT account_id FROM accounts WHERE kind <> 'customer' LIMIT 1000) AS h ON h.account_id = n.account_id
