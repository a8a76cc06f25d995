-- Notifications that were not in the snapshot of the proof.
SELECT n.*
FROM notifications AS n
WHERE
    n.notification_id > %(notification_id)s
    AND n.notification_id NOT IN (SELECT e.event_id FROM books_proof_events AS e WHERE e.proof_id = %(proof_id)s AND e.kind = 'notice')
