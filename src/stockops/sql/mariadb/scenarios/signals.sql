-- Which predictions of the last days meet a condition that waits for one, and the order that came of it, if one did.
-- A condition is met by a prediction of its issue, its side, its model and enough confidence, made before it ended; what the
-- last price was at the time is not looked at.
-- Needs: SELECT on predictions, conditions, orders.
SELECT
    p.predicted_at AS predicted_at,
    p.prediction_id AS prediction_id,
    p.symbol AS symbol,
    p.side AS side,
    p.model_version AS model_version,
    p.confidence AS confidence,
    p.status AS status,
    c.condition_id AS condition_id,
    c.user_id AS user_id,
    c.status AS condition_status,
    o.order_id AS order_id,
    o.status AS order_status,
    o.filled_quantity AS filled_quantity
FROM predictions AS p
JOIN conditions AS c ON
    c.symbol = p.symbol AND c.side = p.side AND (c.min_confidence IS NOT NULL OR c.model_version IS NOT NULL)
    AND p.confidence >= coalesce(c.min_confidence, 0) AND p.model_version = coalesce(c.model_version, p.model_version)
    AND c.expires_at > p.predicted_at
LEFT JOIN orders AS o ON o.condition_id = c.condition_id AND o.prediction_id = p.prediction_id
WHERE
    p.status <> 'quarantined' AND p.predicted_at > CAST(%(until)s AS DATETIME(6)) - INTERVAL %(days)s DAY AND p.predicted_at <= %(until)s
    AND (%(user_id)s IS NULL OR c.user_id = %(user_id)s)
ORDER BY p.predicted_at DESC, p.prediction_id DESC, c.condition_id, o.order_id
LIMIT %(row_limit)s
