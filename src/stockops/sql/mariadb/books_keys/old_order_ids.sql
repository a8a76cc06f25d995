-- Orders of the proof that may have changed since: what was or is open, and what a new trade, cancellation or expiry names.
WITH named AS (
    SELECT e.event_id AS order_id FROM books_proof_events AS e WHERE e.proof_id = %(proof_id)s AND e.kind = 'open'
    UNION
    SELECT k.order_id FROM JSON_TABLE(%(open_order_ids)s, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS k
    UNION
    SELECT t.buy_order_id FROM new_trades AS t WHERE t.buy_order_id <= %(seen_through)s
    UNION
    SELECT t.sell_order_id FROM new_trades AS t WHERE t.sell_order_id <= %(seen_through)s
    UNION
    SELECT CAST(a.entity_id AS UNSIGNED)
    FROM new_audit_log AS a
    WHERE a.entity = 'order' AND a.action IN ('cancel', 'expire') AND a.entity_id = concat(CAST(a.entity_id AS UNSIGNED))
)
SELECT json_arrayagg(n.order_id) AS old_order_ids
FROM named AS n
WHERE n.order_id <= %(event_id)s OR n.order_id IN (SELECT s.event_id FROM seen AS s)
