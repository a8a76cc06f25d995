-- Which of some keys, a JSON array, predictions have already.
-- Needs: SELECT on predictions.
SELECT p.prediction_key
FROM predictions AS p
WHERE p.prediction_key IN (SELECT j.value FROM jsonb_array_elements_text(%(prediction_keys)s::jsonb) AS j (value))
ORDER BY p.prediction_key
