-- Orders that were not in the snapshot of the proof.
SELECT n.*
FROM orders AS n
WHERE n.order_id > %(event_id)s AND (n.order_id > %(seen_through)s OR n.order_id NOT IN (SELECT s.event_id FROM seen AS s))
