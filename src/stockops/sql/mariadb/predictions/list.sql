-- The newest predictions, of one status and one issue where these are not empty.
-- Needs: SELECT on predictions.
SELECT
    p.prediction_id,
    p.user_id,
    p.symbol,
    p.model_version,
    p.side,
    p.confidence,
    p.target_won,
    p.status,
    p.reason,
    p.predicted_at,
    p.expires_at
FROM predictions AS p
WHERE %(status)s IN ('', p.status) AND (%(symbol)s = '' OR p.symbol = %(symbol)s)
ORDER BY p.prediction_id DESC
LIMIT %(row_limit)s
