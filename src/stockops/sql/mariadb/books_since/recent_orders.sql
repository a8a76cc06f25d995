-- New orders, and those of the proof that may have changed.
SELECT
    n.order_id, n.symbol, n.side, n.kind, n.limit_won, n.quantity, n.filled_quantity, n.status, n.reason, n.business_date, n.closed_event_id
FROM new_orders AS n
UNION ALL
SELECT
    o.order_id, o.symbol, o.side, o.kind, o.limit_won, o.quantity, o.filled_quantity, o.status, o.reason, o.business_date, o.closed_event_id
FROM old_orders AS o
