-- Which conditions are met, and the best prediction for each that waits for one: the most confident of those it has not used.
-- The best one of an issue, a side and a model is the same for every condition that has used none: it is looked for once.
-- Needs: SELECT on conditions, predictions, stocks, stock_inventory, orders.
WITH offered AS (
    SELECT p.prediction_id, p.symbol, p.side, p.model_version, p.confidence
    FROM predictions AS p
    WHERE
        p.status = 'valid' AND p.predicted_at <= coalesce(%(at)s::timestamptz, clock_timestamp())
        AND (p.expires_at IS NULL OR p.expires_at > coalesce(%(at)s::timestamptz, clock_timestamp()))
),
best AS (
    SELECT DISTINCT ON (o.symbol, o.side, m.model_version) o.symbol, o.side, m.model_version, o.prediction_id, o.confidence
    FROM offered AS o
    CROSS JOIN LATERAL (VALUES (o.model_version), ('')) AS m (model_version)
    ORDER BY o.symbol, o.side, m.model_version, o.confidence DESC, o.prediction_id
),
waiting AS (
    SELECT
        c.condition_id, c.symbol, c.side, c.model_version, c.min_confidence, c.executions,
        c.min_confidence IS NOT NULL OR c.model_version IS NOT NULL AS for_prediction
    FROM conditions AS c
    JOIN stocks AS k ON k.symbol = c.symbol
    JOIN stock_inventory AS i ON i.symbol = c.symbol
    WHERE
        c.status = 'active'
        AND c.expires_at > coalesce(%(at)s::timestamptz, clock_timestamp())
        AND (c.executed_at IS NULL OR c.executed_at + make_interval(secs => c.cool_down_s) <= coalesce(%(at)s::timestamptz, clock_timestamp()))
        AND k.status = 'listed'
        AND i.last_won BETWEEN coalesce(c.from_won, 0) AND coalesce(c.to_won, i.last_won)
)
SELECT d.condition_id, d.prediction_id
FROM (
    SELECT w.condition_id, b.prediction_id
    FROM waiting AS w
    JOIN best AS b
        ON b.symbol = w.symbol AND b.side = w.side AND b.model_version = coalesce(w.model_version, '') AND b.confidence >= coalesce(w.min_confidence, 0)
    WHERE w.for_prediction AND w.executions = 0
    UNION ALL
    SELECT w.condition_id, NULL
    FROM waiting AS w
    WHERE NOT w.for_prediction
    UNION ALL
    SELECT w.condition_id, b.prediction_id
    FROM waiting AS w
    CROSS JOIN LATERAL (
        SELECT o.prediction_id
        FROM offered AS o
        WHERE
            o.symbol = w.symbol AND o.side = w.side AND o.model_version = coalesce(w.model_version, o.model_version)
            AND o.confidence >= coalesce(w.min_confidence, 0)
            AND NOT EXISTS (SELECT 1 FROM orders AS u WHERE u.condition_id = w.condition_id AND u.prediction_id = o.prediction_id)
        ORDER BY o.confidence DESC, o.prediction_id
        LIMIT 1
    ) AS b
    WHERE w.for_prediction AND w.executions > 0
) AS d
ORDER BY d.condition_id
LIMIT %(row_limit)s
