-- Numbers of event_ids above the high-water mark whose rows were in the snapshot of the proof.
SELECT e.event_id
FROM books_proof_events AS e
WHERE e.proof_id = %(proof_id)s AND e.kind = 'seen'
