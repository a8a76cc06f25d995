-- Positions that are no more what they were in the proof, those that are gone, and those with new entries; of each, the sum of
-- its entries.
WITH proven AS (
    SELECT c.account_id, c.asset AS symbol, c.amount, c.cost_won
    FROM books_proof_sums AS c
    WHERE
        c.proof_id = %(proof_id)s AND c.asset <> 'KRW' AND c.business_date = DATE '1000-01-01'
        AND c.account_id NOT IN (SELECT a.account_id FROM accounts AS a WHERE a.kind <> 'customer')
),
entered AS (
    SELECT n.account_id, n.asset AS symbol, sum(n.amount) AS amount
    FROM new_journal_entries AS n
    WHERE n.asset <> 'KRW' AND n.account_id NOT IN (SELECT a.account_id FROM accounts AS a WHERE a.kind <> 'customer')
    GROUP BY n.account_id, n.asset
),
moved AS (
    SELECT coalesce(p.account_id, s.account_id, e.account_id) AS account_id, coalesce(p.symbol, s.symbol, e.symbol) AS symbol, coalesce(s.amount, 0) + coalesce(e.amount, 0) AS amount
    FROM positions AS p
    FULL JOIN proven AS s ON s.account_id = p.account_id AND s.symbol = p.symbol
    FULL JOIN entered AS e ON e.account_id = coalesce(p.account_id, s.account_id) AND e.symbol = coalesce(p.symbol, s.symbol)
    WHERE p.quantity IS DISTINCT FROM s.amount OR p.cost_won IS DISTINCT FROM s.cost_won OR e.amount IS NOT NULL
)
SELECT json_agg(m)::text AS moved_position_sums
FROM moved AS m
