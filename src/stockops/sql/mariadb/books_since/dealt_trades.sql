-- New trades, and those of the proof that prices of later days follow from.
SELECT n.trade_id, n.symbol, n.business_date FROM new_trades AS n
UNION ALL
SELECT t.trade_id, t.symbol, t.business_date
FROM (
    SELECT i.last_trade_id AS trade_id FROM books_proof_issues AS i WHERE i.proof_id = %(proof_id)s
    UNION
    SELECT i.prior_trade_id FROM books_proof_issues AS i WHERE i.proof_id = %(proof_id)s
) AS i
STRAIGHT_JOIN trades AS t ON t.trade_id = i.trade_id
