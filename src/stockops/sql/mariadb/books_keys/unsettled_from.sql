-- The number from which on are what the last date that is not judged again left unsettled, and what is new.
WITH days AS (
    SELECT d.open_from_id, CASE WHEN d.settled_at <= p.proven_at - INTERVAL 1 DAY THEN 0 ELSE 1 END AS is_recent
    FROM settlement_days AS d
    JOIN books_proofs AS p ON p.proof_id = %(proof_id)s
)
SELECT
    CASE WHEN max(is_recent) = 1 THEN coalesce(max(CASE WHEN is_recent = 0 THEN open_from_id END), 0) ELSE %(event_id)s END AS unsettled_from
FROM days
