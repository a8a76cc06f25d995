-- Orders of the proof that may have changed since: what was or is open, and what a new trade, cancellation or expiry names.
SELECT o.*
FROM orders AS o
WHERE
    o.order_id = ANY (ARRAY(
        SELECT e.event_id FROM books_proof_events AS e WHERE e.proof_id = %(proof_id)s AND e.kind = 'open'
        UNION
        SELECT p.order_id FROM open_orders AS p WHERE p.order_id <= %(event_id)s OR p.order_id IN (SELECT s.event_id FROM seen AS s)
        UNION
        SELECT t.buy_order_id FROM new_trades AS t WHERE t.buy_order_id <= %(event_id)s OR t.buy_order_id IN (SELECT s.event_id FROM seen AS s)
        UNION
        SELECT t.sell_order_id FROM new_trades AS t WHERE t.sell_order_id <= %(event_id)s OR t.sell_order_id IN (SELECT s.event_id FROM seen AS s)
        UNION
        SELECT n.order_id
        FROM (
            SELECT CASE WHEN a.entity_id ~ '^[1-9][0-9]{0,17}$' THEN a.entity_id::bigint END AS order_id
            FROM new_audit_log AS a
            WHERE a.entity = 'order' AND a.action IN ('cancel', 'expire')
        ) AS n
        WHERE n.order_id <= %(event_id)s OR n.order_id IN (SELECT s.event_id FROM seen AS s)
    ))
