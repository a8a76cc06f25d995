-- New predictions, and those that new orders name.
SELECT p.*
FROM predictions AS p
WHERE
    (
        p.prediction_id > %(prediction_id)s
        AND p.prediction_id NOT IN (SELECT e.event_id FROM books_proof_events AS e WHERE e.proof_id = %(proof_id)s AND e.kind = 'prediction')
    )
    OR p.prediction_id = ANY (ARRAY(SELECT o.prediction_id FROM new_orders AS o WHERE o.prediction_id IS NOT NULL))
