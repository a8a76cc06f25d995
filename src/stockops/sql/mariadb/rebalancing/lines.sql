-- What a rebalancing planned, in the order of placing, and what became of each order so far.
-- Needs: SELECT on rebalances, rebalance_lines, orders, auctions. A call auction that had no end yet when the order was taken back is why it met nobody.
SELECT
    l.line_no AS line_no,
    l.symbol AS symbol,
    l.target_bp AS target_bp,
    l.weight_bp AS weight_bp,
    l.expected_bp AS expected_bp,
    l.price_won AS price_won,
    l.side AS side,
    l.quantity AS quantity,
    l.limit_won AS limit_won,
    l.reason AS reason,
    o.order_id AS order_id,
    o.status AS order_status,
    o.reason AS order_reason,
    coalesce(o.filled_quantity, 0) AS filled_quantity,
    EXISTS (
        SELECT 1
        FROM auctions AS a
        WHERE
            a.symbol = l.symbol AND a.business_date = r.business_date AND a.auction_id < o.order_id
            AND coalesce(a.uncrossed_event_id, 9223372036854775807) > o.closed_event_id
    ) AS in_auction
FROM rebalances AS r
JOIN rebalance_lines AS l ON l.rebalance_id = r.rebalance_id
LEFT JOIN orders AS o ON o.account_id = r.account_id AND o.idempotency_key = concat('rebalance-', r.rebalance_id, '-', l.line_no)
WHERE r.rebalance_id = %(rebalance_id)s
ORDER BY l.line_no
