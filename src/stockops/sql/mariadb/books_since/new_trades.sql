-- Trades that were not in the snapshot of the proof.
SELECT n.*
FROM trades AS n
WHERE n.trade_id > %(event_id)s AND (n.trade_id > %(seen_through)s OR n.trade_id NOT IN (SELECT s.event_id FROM seen AS s))
