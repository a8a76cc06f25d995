-- The logical content of a page of predictions, by prediction_id: the same text on both engines.
-- Needs: SELECT on predictions.
SELECT
    string_agg(concat_ws(
        '|', t.prediction_id, t.user_id, coalesce(t.symbol::text, '-'), coalesce(t.model_version::text, '-'),
            coalesce(t.side::text, '-'), coalesce(t.confidence::text, '-'), coalesce(t.target_won::text, '-'),
            t.status, coalesce(t.reason::text, '-'), to_char(t.predicted_at, 'YYYY-MM-DD HH24:MI:SS'),
            coalesce(to_char(t.expires_at, 'YYYY-MM-DD HH24:MI:SS'), '-')
    ), E'\n' ORDER BY t.prediction_id) AS block,
    count(*) AS line_count
FROM predictions AS t
WHERE t.prediction_id BETWEEN %(first)s AND %(last)s
