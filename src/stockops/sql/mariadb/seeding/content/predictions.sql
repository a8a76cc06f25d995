-- The logical content of a page of predictions, by prediction_id: the same text on both engines.
-- Needs: SELECT on predictions.
SELECT
    group_concat(concat_ws(
        '|', t.prediction_id, t.user_id, coalesce(t.symbol, '-'), coalesce(t.model_version, '-'),
            coalesce(t.side, '-'), coalesce(t.confidence, '-'), coalesce(t.target_won, '-'), t.status,
            coalesce(t.reason, '-'), left(t.predicted_at, 19), coalesce(left(t.expires_at, 19), '-')
    ) ORDER BY t.prediction_id SEPARATOR '\n') AS block,
    count(*) AS line_count
FROM predictions AS t
WHERE t.prediction_id BETWEEN %(first)s AND %(last)s
