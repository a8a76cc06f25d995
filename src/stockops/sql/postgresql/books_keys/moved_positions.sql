-- Positions that are no more what they were in the proof, those that are gone, and those with new entries.
WITH moved AS (
    SELECT coalesce(p.account_id, s.account_id) AS account_id, coalesce(p.symbol, s.asset) AS symbol
    FROM positions AS p
    FULL JOIN (
        SELECT c.account_id, c.asset, c.amount, c.cost_won
        FROM books_proof_sums AS c
        WHERE
            c.proof_id = %(proof_id)s AND c.asset <> 'KRW' AND c.business_date = DATE '1000-01-01'
            AND c.account_id NOT IN (SELECT a.account_id FROM accounts AS a WHERE a.kind <> 'customer')
    ) AS s ON s.account_id = p.account_id AND s.asset = p.symbol
    WHERE p.quantity IS DISTINCT FROM s.amount OR p.cost_won IS DISTINCT FROM s.cost_won
    UNION
    SELECT n.account_id, n.asset
    FROM new_journal_entries AS n
    WHERE n.asset <> 'KRW' AND n.account_id NOT IN (SELECT a.account_id FROM accounts AS a WHERE a.kind <> 'customer')
)
SELECT json_agg(m)::text AS found
FROM moved AS m
