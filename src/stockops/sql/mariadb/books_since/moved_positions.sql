-- Positions that are no more what they were in the proof, and those with new entries.
SELECT p.account_id, p.symbol
FROM positions AS p
LEFT JOIN books_proof_sums AS s
    ON s.proof_id = %(proof_id)s AND s.account_id = p.account_id AND s.asset = p.symbol AND s.business_date = DATE '1000-01-01'
WHERE s.amount IS NULL OR s.amount <> p.quantity OR s.cost_won <> p.cost_won
UNION
SELECT s.account_id, s.asset
FROM books_proof_sums AS s
LEFT JOIN positions AS p ON p.account_id = s.account_id AND p.symbol = s.asset
WHERE
    s.proof_id = %(proof_id)s AND s.asset <> 'KRW' AND p.account_id IS NULL
    AND s.account_id NOT IN (SELECT a.account_id FROM accounts AS a WHERE a.kind <> 'customer')
UNION
SELECT n.account_id, n.asset
FROM new_journal_entries AS n
WHERE n.asset <> 'KRW' AND n.account_id NOT IN (SELECT a.account_id FROM accounts AS a WHERE a.kind <> 'customer')
