-- The rows of a proof as numbers, the assets whose sums are not zero, and whether what it ends with is there.
SELECT
    (
        SELECT concat_ws(' ', count(*), sum(hashint8extended(hash_record_extended(ROW(s.account_id, s.asset::text, s.business_date, s.amount, s.entries, s.cost_won), 1), 1)))
        FROM books_proof_sums AS s WHERE s.proof_id = %(proof_id)s
    ) AS sums,
    (
        SELECT concat_ws(' ', count(*), sum(hashint8extended(hash_record_extended(ROW(i.symbol::text, i.last_trade_id, i.prior_trade_id), 1), 1)))
        FROM books_proof_issues AS i WHERE i.proof_id = %(proof_id)s
    ) AS issues,
    (
        SELECT concat_ws(' ', count(*), sum(hashint8extended(hash_record_extended(ROW(e.kind::text, e.event_id), 1), 1)))
        FROM books_proof_events AS e WHERE e.proof_id = %(proof_id)s
    ) AS events,
    (
        SELECT count(*) FROM (SELECT asset FROM books_proof_sums WHERE proof_id = %(proof_id)s GROUP BY asset HAVING sum(amount) <> 0) AS b
    ) AS unbalanced,
    (SELECT count(*) FROM orders AS o WHERE o.order_id = (SELECT p.last_order_id FROM books_proofs AS p WHERE p.proof_id = %(proof_id)s)) AS orders_there,
    (SELECT count(*) FROM trades AS t WHERE t.trade_id = (SELECT p.last_trade_id FROM books_proofs AS p WHERE p.proof_id = %(proof_id)s)) AS trades_there
