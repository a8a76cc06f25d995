-- Orders of the proof that may have changed since: what was or is open, and what a new trade, cancellation or expiry names.
WITH named AS (
    SELECT e.event_id AS order_id FROM books_proof_events AS e WHERE e.proof_id = %(proof_id)s AND e.kind = 'open'
    UNION
    SELECT k.order_id FROM unnest(%(open_order_ids)s::bigint[]) AS k (order_id)
    UNION
    SELECT t.buy_order_id FROM new_trades AS t
    UNION
    SELECT t.sell_order_id FROM new_trades AS t
    UNION
    SELECT CASE WHEN a.entity_id ~ '^[1-9][0-9]{0,17}$' THEN a.entity_id::bigint END
    FROM new_audit_log AS a
    WHERE a.entity = 'order' AND a.action IN ('cancel', 'expire')
)
SELECT array_agg(n.order_id)::text AS old_order_ids
FROM named AS n
WHERE n.order_id <= %(event_id)s OR n.order_id IN (SELECT s.event_id FROM seen AS s)
