-- What the positions that moved were in the proof, each as if it had been opened with that.
SELECT s.account_id, s.asset AS symbol, 0 AS event_id, s.amount AS quantity, s.cost_won AS value_won
FROM moved_positions AS m
JOIN books_proof_sums AS s
    ON s.proof_id = %(proof_id)s AND s.account_id = m.account_id AND s.asset = m.symbol AND s.business_date = DATE '1000-01-01'
