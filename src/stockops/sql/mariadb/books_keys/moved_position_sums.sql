-- Positions that are no more what they were in the proof, those that are gone, and those with new entries; of each, the sum of
-- its entries. And how many positions these are, and how many of them, there or not, are not that sum.
-- All are sorted once; looking each one up on the other side takes twice as long. A bit says where one is: 1 among positions, 2 in
-- the proof, 4 in new entries.
WITH sides AS (
    SELECT account_id, symbol, quantity, 0 AS due, cost_won, 1 AS side
    FROM positions
    UNION ALL
    SELECT account_id, asset, 0, amount, -cost_won, 2
    FROM books_proof_sums
    WHERE
        proof_id = %(proof_id)s AND asset <> 'KRW' AND business_date = DATE '1000-01-01'
        AND account_id NOT IN (SELECT a.account_id FROM accounts AS a WHERE a.kind <> 'customer')
    UNION ALL
    SELECT n.account_id, n.asset, 0, n.amount, 0, 4
    FROM new_journal_entries AS n
    WHERE n.asset <> 'KRW' AND n.account_id NOT IN (SELECT a.account_id FROM accounts AS a WHERE a.kind <> 'customer')
),
moved AS (
    SELECT SQL_BIG_RESULT account_id, symbol, sum(quantity) AS quantity, sum(due) AS amount, bit_or(side) AS sides
    FROM sides
    GROUP BY account_id, symbol
    HAVING sides <> 3 OR quantity <> amount OR sum(cost_won) <> 0
)
SELECT
    json_arrayagg(json_array(m.account_id, m.symbol, m.amount)) AS moved_position_sums,
    coalesce(sum(m.sides & 1), 0) AS moved_positions_count, coalesce(sum(m.quantity <> m.amount), 0) AS unequal_positions_count
FROM moved AS m
