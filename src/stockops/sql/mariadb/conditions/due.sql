-- Which conditions are met, and the best prediction for each that waits for one: the most confident of those it has not used.
-- The best one of an issue, a side and a model is the same for every condition that has used none: it is looked for once.
-- Needs: SELECT on conditions, predictions, models, stocks, stock_inventory, orders.
WITH best AS (
    SELECT r.symbol, r.side, r.model_version, r.prediction_id, r.confidence, i.last_won
    FROM (
        SELECT
            p.symbol, p.side, m.model_version, p.prediction_id, p.confidence,
            row_number() OVER (PARTITION BY p.symbol, p.side, m.model_version ORDER BY p.confidence DESC, p.prediction_id) AS place_no
        FROM predictions AS p
        JOIN (SELECT k.model_version FROM models AS k UNION ALL SELECT '') AS m ON m.model_version IN ('', p.model_version)
        WHERE
            p.status = 'valid' AND p.predicted_at <= coalesce(%(at)s, utc_timestamp(6))
            AND (p.expires_at IS NULL OR p.expires_at > coalesce(%(at)s, utc_timestamp(6)))
    ) AS r
    STRAIGHT_JOIN stock_inventory AS i ON i.symbol = r.symbol
    STRAIGHT_JOIN stocks AS k ON k.symbol = r.symbol
    WHERE r.place_no = 1 AND k.status = 'listed'
)
SELECT d.condition_id, d.prediction_id
FROM (
    SELECT c.condition_id, b.prediction_id
    FROM conditions AS c
    STRAIGHT_JOIN best AS b ON b.symbol = c.symbol AND b.side = c.side AND b.model_version = coalesce(c.model_version, '')
    WHERE
        c.status = 'active' AND c.executions = 0 AND c.expires_at > coalesce(%(at)s, utc_timestamp(6))
        AND (c.min_confidence IS NOT NULL OR c.model_version IS NOT NULL) AND b.confidence >= coalesce(c.min_confidence, 0)
        AND b.last_won BETWEEN coalesce(c.from_won, 0) AND coalesce(c.to_won, b.last_won)
    UNION ALL
    SELECT c.condition_id, NULL
    FROM conditions AS c
    STRAIGHT_JOIN stock_inventory AS i ON i.symbol = c.symbol
    STRAIGHT_JOIN stocks AS k ON k.symbol = c.symbol
    WHERE
        c.status = 'active' AND c.expires_at > coalesce(%(at)s, utc_timestamp(6))
        AND c.min_confidence IS NULL AND c.model_version IS NULL
        AND (c.executed_at IS NULL OR c.executed_at + INTERVAL c.cool_down_s SECOND <= coalesce(%(at)s, utc_timestamp(6)))
        AND k.status = 'listed' AND i.last_won BETWEEN coalesce(c.from_won, 0) AND coalesce(c.to_won, i.last_won)
    UNION ALL
    SELECT c.condition_id, (
        SELECT p.prediction_id
        FROM predictions AS p FORCE INDEX (predictions_match_ix)
        WHERE
            p.symbol = c.symbol AND p.side = c.side AND p.status = 'valid' AND p.confidence >= coalesce(c.min_confidence, 0)
            AND p.model_version = coalesce(c.model_version, p.model_version)
            AND p.predicted_at <= coalesce(%(at)s, utc_timestamp(6))
            AND (p.expires_at IS NULL OR p.expires_at > coalesce(%(at)s, utc_timestamp(6)))
            AND NOT EXISTS (SELECT 1 FROM orders AS u WHERE u.condition_id = c.condition_id AND u.prediction_id = p.prediction_id)
        ORDER BY p.confidence DESC, p.prediction_id
        LIMIT 1
    ) AS prediction_id
    FROM conditions AS c
    STRAIGHT_JOIN stock_inventory AS i ON i.symbol = c.symbol
    STRAIGHT_JOIN stocks AS k ON k.symbol = c.symbol
    WHERE
        c.status = 'active' AND c.executions > 0 AND c.expires_at > coalesce(%(at)s, utc_timestamp(6))
        AND (c.min_confidence IS NOT NULL OR c.model_version IS NOT NULL)
        AND c.executed_at + INTERVAL c.cool_down_s SECOND <= coalesce(%(at)s, utc_timestamp(6))
        AND k.status = 'listed' AND i.last_won BETWEEN coalesce(c.from_won, 0) AND coalesce(c.to_won, i.last_won)
    HAVING prediction_id IS NOT NULL
) AS d
ORDER BY d.condition_id
LIMIT %(row_limit)s
