-- Orders of the proof that may have changed since: what was or is open, and what a new trade, cancellation or expiry names.
SELECT o.*
FROM (
    SELECT e.event_id AS order_id FROM books_proof_events AS e WHERE e.proof_id = %(proof_id)s AND e.kind = 'open'
    UNION
    SELECT p.order_id FROM open_orders AS p WHERE p.order_id <= %(event_id)s OR p.order_id IN (SELECT s.event_id FROM seen AS s)
    UNION
    SELECT t.buy_order_id FROM new_trades AS t WHERE t.buy_order_id <= %(event_id)s OR t.buy_order_id IN (SELECT s.event_id FROM seen AS s)
    UNION
    SELECT t.sell_order_id FROM new_trades AS t WHERE t.sell_order_id <= %(event_id)s OR t.sell_order_id IN (SELECT s.event_id FROM seen AS s)
    UNION
    SELECT CAST(a.entity_id AS UNSIGNED)
    FROM new_audit_log AS a
    WHERE
        a.entity = 'order' AND a.action IN ('cancel', 'expire') AND a.entity_id = concat(CAST(a.entity_id AS UNSIGNED))
        AND (CAST(a.entity_id AS UNSIGNED) <= %(event_id)s OR CAST(a.entity_id AS UNSIGNED) IN (SELECT s.event_id FROM seen AS s))
) AS n
STRAIGHT_JOIN orders AS o ON o.order_id = n.order_id
