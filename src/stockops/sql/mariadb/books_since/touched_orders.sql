-- The same, where those of the proof are few: read where they stand, for what a UNION gives is written down first.
SELECT n.*
FROM orders AS n
WHERE
    (n.order_id > %(event_id)s AND (n.order_id > %(seen_through)s OR n.order_id NOT IN (SELECT s.event_id FROM seen AS s)))
    OR n.order_id IN %(few_order_ids)s
