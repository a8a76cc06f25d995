-- Positions that are no more what they were in the proof, those that are gone, and those with new entries; of each, the sum of
-- its entries.
-- All are sorted once; looking each one up on the other side takes twice as long. What is there on both sides adds up to 0,
-- and a new entry to more than that.
WITH sides AS (
    SELECT account_id, symbol, quantity, 0 AS due, cost_won, 1 AS n
    FROM positions
    UNION ALL
    SELECT account_id, asset, 0, amount, -cost_won, -1
    FROM books_proof_sums
    WHERE
        proof_id = %(proof_id)s AND asset <> 'KRW' AND business_date = DATE '1000-01-01'
        AND account_id NOT IN (SELECT a.account_id FROM accounts AS a WHERE a.kind <> 'customer')
    UNION ALL
    SELECT n.account_id, n.asset, 0, n.amount, 0, 2
    FROM new_journal_entries AS n
    WHERE n.asset <> 'KRW' AND n.account_id NOT IN (SELECT a.account_id FROM accounts AS a WHERE a.kind <> 'customer')
),
moved AS (
    SELECT SQL_BIG_RESULT account_id, symbol, sum(due) AS amount
    FROM sides
    GROUP BY account_id, symbol
    HAVING sum(quantity) <> sum(due) OR sum(cost_won) <> 0 OR sum(n) <> 0
)
SELECT json_arrayagg(json_array(m.account_id, m.symbol, m.amount)) AS moved_position_sums
FROM moved AS m
