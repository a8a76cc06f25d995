-- Which predictions cannot be trusted, and how many orders and trades each led to: there may be none.
-- Suspicious is what is quarantined, and what should be: without confidence, issue or model, or with a confidence below 0.5;
-- looked at are those of the last days, and those warned of in them, for the moment of a prediction may be what is wrong.
-- Needs: SELECT on predictions, orders, trades, notifications.
SELECT
    p.predicted_at AS predicted_at,
    p.prediction_id AS prediction_id,
    p.user_id AS user_id,
    p.symbol AS symbol,
    p.model_version AS model_version,
    p.confidence AS confidence,
    p.status AS status,
    p.reason AS reason,
    (SELECT count(*) FROM orders AS o WHERE o.prediction_id = p.prediction_id) AS orders,
    (SELECT count(*) FROM orders AS o JOIN trades AS t ON t.buy_order_id = o.order_id WHERE o.prediction_id = p.prediction_id)
        + (SELECT count(*) FROM orders AS o JOIN trades AS t ON t.sell_order_id = o.order_id WHERE o.prediction_id = p.prediction_id) AS trades,
    (SELECT count(*) FROM notifications AS n WHERE n.prediction_id = p.prediction_id) AS warnings
FROM predictions AS p
WHERE
    (p.status = 'quarantined' OR p.confidence IS NULL OR p.confidence < 0.5 OR p.symbol IS NULL OR p.model_version IS NULL)
    AND (
        (p.predicted_at > %(until)s::timestamptz - make_interval(days => %(days)s::integer) AND p.predicted_at <= %(until)s::timestamptz)
        OR EXISTS (SELECT 1 FROM notifications AS n
            WHERE n.prediction_id = p.prediction_id AND n.created_at > %(until)s::timestamptz - make_interval(days => %(days)s::integer) AND n.created_at <= %(until)s::timestamptz)
    )
ORDER BY orders DESC, p.predicted_at DESC, p.prediction_id DESC
LIMIT %(row_limit)s::bigint
