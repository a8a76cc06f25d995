-- Positions that are no more what they were in the proof, those that are gone, and those with new entries; of each, the sum of
-- its entries.
-- All are sorted once; looking each one up on the other side takes twice as long.
WITH sides AS (
    SELECT account_id, symbol, quantity, 0 AS proven, 0 AS entered, cost_won, 1 AS n, 0 AS is_new
    FROM positions
    UNION ALL
    SELECT account_id, asset, 0, amount, 0, -cost_won, -1, 0
    FROM books_proof_sums
    WHERE
        proof_id = %(proof_id)s AND asset <> 'KRW' AND business_date = DATE '1000-01-01'
        AND account_id NOT IN (SELECT a.account_id FROM accounts AS a WHERE a.kind <> 'customer')
    UNION ALL
    SELECT n.account_id, n.asset, 0, 0, n.amount, 0, 0, 1
    FROM new_journal_entries AS n
    WHERE n.asset <> 'KRW' AND n.account_id NOT IN (SELECT a.account_id FROM accounts AS a WHERE a.kind <> 'customer')
),
moved AS (
    SELECT SQL_BIG_RESULT account_id, symbol, sum(proven) + sum(entered) AS amount
    FROM sides
    GROUP BY account_id, symbol
    HAVING sum(quantity) <> sum(proven) OR sum(cost_won) <> 0 OR sum(n) <> 0 OR max(is_new) = 1
)
SELECT json_arrayagg(json_array(m.account_id, m.symbol, m.amount)) AS moved_position_sums
FROM moved AS m
