-- The rows of a proof as numbers, the assets whose sums are not zero, and whether what it ends with is there.
SELECT
    (
        SELECT concat_ws(' ', count(*), sum(crc32(crc32(@stockops_row := concat_ws('|', s.account_id, s.asset, s.business_date, s.amount, s.entries, s.cost_won))) + (crc32c(crc32c(@stockops_row)) << 32)))
        FROM books_proof_sums AS s WHERE s.proof_id = %(proof_id)s
    ) AS sums,
    (
        SELECT concat_ws(' ', count(*), sum(crc32(crc32(concat_ws('|', i.symbol, i.last_trade_id, i.prior_trade_id))) + (crc32c(crc32c(concat_ws('|', i.symbol, i.last_trade_id, i.prior_trade_id))) << 32)))
        FROM books_proof_issues AS i WHERE i.proof_id = %(proof_id)s
    ) AS issues,
    (
        SELECT concat_ws(' ', count(*), sum(crc32(crc32(concat_ws('|', e.kind, e.event_id))) + (crc32c(crc32c(concat_ws('|', e.kind, e.event_id))) << 32)))
        FROM books_proof_events AS e WHERE e.proof_id = %(proof_id)s
    ) AS events,
    (
        SELECT count(*) FROM (SELECT asset FROM books_proof_sums WHERE proof_id = %(proof_id)s GROUP BY asset HAVING sum(amount) <> 0) AS b
    ) AS unbalanced,
    (SELECT count(*) FROM orders AS o WHERE o.order_id = (SELECT p.last_order_id FROM books_proofs AS p WHERE p.proof_id = %(proof_id)s)) AS orders_there,
    (SELECT count(*) FROM trades AS t WHERE t.trade_id = (SELECT p.last_trade_id FROM books_proofs AS p WHERE p.proof_id = %(proof_id)s)) AS trades_there
