-- Audit rows that were not in the snapshot of the proof.
SELECT n.*
FROM audit_log AS n
WHERE n.audit_id > %(event_id)s AND (n.audit_id > %(seen_through)s OR n.audit_id NOT IN (SELECT s.event_id FROM seen AS s))
